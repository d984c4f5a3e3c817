// Finds, downloads or builds the servers that the tests and the demo start, ahead of the steps that need them.
// Writes the names of those that were built to the file given: building takes minutes, and the gate allows for them.
// A server that cannot be had fails nothing here: the suites that need it say that they are skipped, and why.
import { writeFileSync } from "node:fs";
import { resolveTemporalBinary } from "../dist/temporal-config/server-binary.js";
import { resolveVersitygw } from "../dist/tests/support/s3-server.js";

const SERVERS = {
  temporal: () => resolveTemporalBinary({ environment: process.env }),
  versitygw: resolveVersitygw,
};

const built = [];
for (const [name, resolve] of Object.entries(SERVERS)) {
  try {
    const { path, source } = await resolve();
    console.log(`${name}: ${source} (${path})`);
    if (source === "build") built.push(name);
  } catch (error) {
    console.log(`${name}: not to be had, ${error.message}`);
  }
}
writeFileSync(process.argv[2], built.join("\n"));
