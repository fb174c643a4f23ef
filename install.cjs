'use strict';
// Runs when the published package is installed. In a checkout, which has the TypeScript sources, setup.mjs does the work.
const fs = require('node:fs');
const path = require('node:path');

if (!fs.existsSync(path.join(__dirname, 'lib'))) void require('./dist/setup/install').install(__dirname);
