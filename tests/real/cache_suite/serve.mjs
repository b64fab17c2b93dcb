// Starts the suite's server on a free port of 127.0.0.1, where it would listen on all addresses. Prints its URL once it
// answers, and ends when its input does.

import http from 'node:http';

const listen = http.Server.prototype.listen;
http.Server.prototype.listen = function () {
  return listen.call(this, 0, '127.0.0.1', () => {
    process.stdout.write(`http://127.0.0.1:${this.address().port}\n`);
  });
};
// What the suite's server says is for the log.
console.log = console.error;
process.env.npm_config_protocol = 'http';
process.env.npm_config_port = '0';
process.env.npm_config_pidfile = '/dev/null';
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
await import('http-cache-tests/server/server.mjs');
