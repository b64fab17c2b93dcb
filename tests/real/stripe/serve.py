"""localstripe on 127.0.0.1, which keeps nothing on disk; a log of what was asked; and idempotency keys.

/log: GET gives every GET under /v1 since the last DELETE, as its path and query, in order.
/writes: likewise every POST and DELETE, as {method, path, body, key, status, replayed}.

localstripe does not know `Idempotency-Key`. Here a key does what Stripe says of it: the first answer comes again, another
request under the same key is refused with 400, and one that comes while the first is under way with 409.

Prints its URL on stdout. Ends when stdin does.
"""

import asyncio
import sys

from aiohttp import web
from localstripe import resources, server

reads = []
writes = []
# By key: the request, and the answer once there is one.
answers = {}


@web.middleware
async def logged(request, handler):
    for path, entries in (('/log', reads), ('/writes', writes)):
        if request.path == path:
            answer = web.json_response(entries)
            if request.method == 'DELETE':
                entries.clear()
            return answer
    if request.method == 'GET':
        reads.append(request.path_qs)
        return await handler(request)
    body = (await request.read()).decode()
    key = request.headers.get('Idempotency-Key')
    answer = await once(request, handler, key, (request.method, request.path_qs, body))
    replayed = answer.headers.get('Idempotent-Replayed') == 'true'
    writes.append({'method': request.method, 'path': request.path_qs, 'body': body, 'key': key,
                   'status': answer.status, 'replayed': replayed})
    return answer


async def once(request, handler, key, what):
    if key is None or request.method != 'POST':
        return await handler(request)
    if key in answers:
        first, answer = answers[key]
        if first != what:
            return refused(400, 'idempotency_error', 'Keys can be used with the request that they were first used with')
        if answer is None:
            return refused(409, 'idempotency_error', 'Another request with this key is under way')
        return web.Response(status=200, body=answer, content_type='application/json',
                            headers={'Idempotent-Replayed': 'true'})
    answers[key] = (what, None)
    answer = await handler(request)
    if answer.status == 200:
        answers[key] = (what, answer.body)
    else:
        del answers[key]
    return answer


def refused(status, kind, message):
    return web.json_response({'error': {'type': kind, 'message': message}}, status=status)


async def main():
    resources.Store.dump_to_disk = lambda self: None
    server.app.middlewares.insert(0, logged)
    runner = web.AppRunner(server.app)
    await runner.setup()
    await web.TCPSite(runner, '127.0.0.1', 0).start()
    print('http://127.0.0.1:%d' % runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


asyncio.run(main())
