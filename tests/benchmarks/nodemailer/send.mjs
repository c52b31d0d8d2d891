// nodemailer with a pool of ten connections: sending alone, nothing is kept anywhere.
// usage: send.mjs LETTERS_FILE HOW_MANY SMTP_PORT
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { createTransport } from "nodemailer";

const [file, howMany, port] = process.argv.slice(2);
const samples = JSON.parse(readFileSync(file, "utf-8"));
const letters = Number(howMany);
const pool = createTransport({
  pool: true,
  maxConnections: 10,
  maxMessages: Infinity,
  host: "127.0.0.1",
  port: Number(port),
  secure: false,
  ignoreTLS: true,
});

let next = 0;
let sent = 0;
async function sendSome() {
  while (next < letters) {
    const one = samples[next++ % samples.length];
    await pool.sendMail({
      from: one.from,
      replyTo: one.reply_to,
      to: one.to,
      subject: one.subject,
      text: one.body,
    });
    sent++;
  }
}

const began = performance.now();
// twice as many as connections, so that none of them waits for its next message
await Promise.all(Array.from({ length: 20 }, sendSome));
const seconds = (performance.now() - began) / 1000;
pool.close();
console.log(JSON.stringify({ sent, seconds }));
