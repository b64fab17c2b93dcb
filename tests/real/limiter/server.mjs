// express-rate-limit before a list of things, once for each set of headers that it can send:
//
//   GET /{dialect}/things?page=&per_page=                 a limiter for the caller
//   GET /{dialect}/{partition}/things?page=&per_page=     a limiter for each partition
//   GET, DELETE /log                                      what was asked, when (ms since 1970), and how it was answered
//
// The limiter counts when a request arrives. The answer comes a little later, so that several are under way at once.
import express from "express";
import { ipKeyGenerator, rateLimit } from "express-rate-limit";

const LIMIT = 10;
const ROWS = 400;
const DELAY_MS = 10;

// A window that is no whole number of seconds: the headers round its length and its end up.
const LIMITERS = {
  legacy: { windowMs: 2000, legacyHeaders: true, standardHeaders: false },
  "draft-6": { windowMs: 2000, legacyHeaders: false, standardHeaders: "draft-6" },
  "draft-7": { windowMs: 2000, legacyHeaders: false, standardHeaders: "draft-7" },
  "draft-8": { windowMs: 2000, legacyHeaders: false, standardHeaders: "draft-8" },
  both: { windowMs: 2000, legacyHeaders: true, standardHeaders: "draft-6" },
  odd: { windowMs: 2500, legacyHeaders: false, standardHeaders: "draft-7" },
};

let log = [];
const app = express();

app.get("/log", (request, response) => response.json(log));
app.delete("/log", (request, response) => {
  log = [];
  response.json([]);
});

app.use((request, response, next) => {
  const entry = { path: request.originalUrl, arrived: Date.now(), answered: 0, status: 0 };
  log.push(entry);
  response.on("finish", () => Object.assign(entry, { answered: Date.now(), status: response.statusCode }));
  next();
});

function things(request, response) {
  const page = Number(request.query.page ?? 1);
  const perPage = Number(request.query.per_page ?? 10);
  const first = (page - 1) * perPage;
  const rows = Array.from({ length: Math.max(0, Math.min(perPage, ROWS - first)) }, (_, i) => ({
    id: first + i + 1,
    name: `Thing ${first + i + 1}`,
  }));
  setTimeout(() => response.json({ things: rows }), DELAY_MS);
}

for (const [dialect, options] of Object.entries(LIMITERS)) {
  const keyGenerator = (request) => request.params.partition ?? ipKeyGenerator(request.ip);
  const limiter = rateLimit({ ...options, limit: LIMIT, keyGenerator });
  app.get(`/${dialect}/things`, limiter, things);
  app.get(`/${dialect}/:partition/things`, limiter, things);
}

const server = app.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
