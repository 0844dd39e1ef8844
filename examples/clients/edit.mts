// Edits a file: node edit.mts http://127.0.0.1:7860 portrait.jpg happy edited.png
import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { argv, exit } from "node:process";
import { SarganClient, SarganError } from "./sargan-client.mts";

const [server, source, expression, target] = argv.slice(2);
const client = new SarganClient(server);
try {
  const picture = await client.upload(new Blob([await readFile(source)]), basename(source));
  const edited = await client.edit(picture, { expression });
  await writeFile(target, new Uint8Array(await edited.arrayBuffer()));
} catch (error) {
  if (!(error instanceof SarganError)) throw error;
  console.error(error.message);
  exit(1);
}
