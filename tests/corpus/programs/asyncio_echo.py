"""An asyncio server and its client, with little traffic."""

import asyncio


async def echo(reader, writer):
    while data := await reader.read(64):
        writer.write(data)
    writer.close()


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    for _ in range(20):
        writer.write(b"ping")
        await reader.read(64)
        await asyncio.sleep(0.02)
    writer.close()
    server.close()


asyncio.run(main())
