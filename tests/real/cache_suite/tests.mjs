// Prints what the suite says of its tests: an object for each, with its identifier and its kind (a requirement unless it
// says otherwise).

import suites from 'http-cache-tests/tests/index.mjs';
import surrogate from 'http-cache-tests/tests/surrogate-control.mjs';

const tests = [...suites, surrogate].flatMap((suite) =>
  suite.tests
    .filter((test) => !test.browser_only)
    .map(({ id, kind = 'required' }) => ({ id, kind })),
);
process.stdout.write(JSON.stringify(tests));
