"""localstripe on 127.0.0.1, which keeps nothing on disk, and a log of what was asked.

/log: GET gives every GET under /v1 since the last DELETE, as its path and query, in order.

Prints its URL on stdout. Ends when stdin does.
"""

import asyncio
import sys

from aiohttp import web
from localstripe import resources, server

log = []


@web.middleware
async def logged(request, handler):
    if request.path == '/log':
        if request.method == 'DELETE':
            log.clear()
        return web.json_response(log)
    if request.method == 'GET':
        log.append(request.path_qs)
    return await handler(request)


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
