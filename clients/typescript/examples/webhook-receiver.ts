// A webhook receiver that believes only what is signed.
//
//   HOOK_SECRET=whsec_ZmFrZS1zZWNyZXQtZm9yLXRlc3RzLW9ubHk= PORT=9000 npx tsx webhook-receiver.ts
//
// Prints one line per alert. Node's standard library only; the signature is Standard Webhooks 1.0 (docs/webhooks.md).
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

const TOLERANCE_SECONDS = 300;
const REMEMBERED_IDS = 10_000;
const BODY_BYTES_MAX = 1 << 20;

interface Alert {
  status?: string;
  state?: string;
  labels: Record<string, string>;
  summary?: string;
  annotations?: Record<string, string>;
}

/** The notice's id. Throws with the reason when the request is not genuine. */
export function verify(secret: string, headers: IncomingHttpHeaders, body: Buffer, nowSeconds: number): string {
  const id = String(headers["webhook-id"] ?? "");
  const timestamp = Number(headers["webhook-timestamp"]);
  if (id === "" || !Number.isInteger(timestamp)) throw new Error("webhook-id or webhook-timestamp is missing");
  if (Math.abs(nowSeconds - timestamp) > TOLERANCE_SECONDS) throw new Error("the timestamp is too old or in the future");
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret);
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  for (const given of String(headers["webhook-signature"] ?? "").split(" ")) {
    const [version, signature] = given.split(",", 2);
    const bytes = Buffer.from(signature ?? "", "base64");
    if (version === "v1" && bytes.length === expected.length && timingSafeEqual(bytes, expected)) return id;
  }
  throw new Error("no signature fits");
}

const secret = process.env.HOOK_SECRET;
if (!secret) {
  console.error("webhook-receiver: HOOK_SECRET is not set");
  process.exit(1);
}
const seen = new Set<string>();

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  let size = 0;
  request.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) request.destroy();
    chunks.push(chunk);
  });
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    try {
      const id = verify(secret, request.headers, body, Date.now() / 1000);
      // At least once: the same id may come again and means nothing new.
      if (!seen.has(id)) {
        seen.add(id);
        if (seen.size > REMEMBERED_IDS) seen.delete(seen.values().next().value as string);
        for (const alert of JSON.parse(body.toString()).alerts as Alert[]) {
          const labels = Object.entries(alert.labels).sort().map(([name, value]) => `${name}=${value}`).join(" ");
          console.log(`${alert.status ?? alert.state}  ${labels}  ${alert.summary ?? alert.annotations?.summary ?? ""}  (${id})`);
        }
      }
      response.writeHead(200).end("ok");
    } catch (error) {
      response.writeHead(401).end((error as Error).message);
    }
  });
});
server.listen(Number(process.env.PORT ?? 9000), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`);
});
