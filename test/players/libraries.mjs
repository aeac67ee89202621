// Where scripts/setup --browser puts npm's packages: the folder's name contains the hash of the pinned versions.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/// The path of `node_modules`; throws an Error with the remedy if it does not exist.
export function libraries() {
  const cache = process.env.TROUPE_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'troupe');
  const lock = createHash('sha256').update(readFileSync(join(here, 'package-lock.json'))).digest('hex');
  const folder = join(cache, `players-${lock.slice(0, 12)}`, 'node_modules');
  if (!existsSync(folder)) throw new Error('the players are not installed: run scripts/setup --browser');
  return folder;
}
