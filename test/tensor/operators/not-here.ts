export const notHere: Record<string, Record<string, string>> = {};
