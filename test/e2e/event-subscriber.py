"""A subscriber of cache events by libzmq: argv has the two ports; a line of JSON per batch, live ones first, then a replay."""
import json
import struct
import sys

import msgpack
import zmq

publish, replay, live = (int(argument) for argument in sys.argv[1:])
context = zmq.Context()
subscriber = context.socket(zmq.SUB)
subscriber.connect(f"tcp://127.0.0.1:{publish}")
subscriber.setsockopt(zmq.SUBSCRIBE, b"kv@")
subscriber.RCVTIMEO = 20_000
print("ready", flush=True)


def tell(kind, topic, number, payload):
    stamp, events, rank = msgpack.unpackb(payload)
    line = {"kind": kind, "topic": topic.decode(), "number": number, "rank": rank, "events": events}
    print(json.dumps(line), flush=True)


for _ in range(live):
    topic, number, payload = subscriber.recv_multipart()
    tell("live", topic, struct.unpack(">Q", number)[0], payload)

dealer = context.socket(zmq.DEALER)
dealer.connect(f"tcp://127.0.0.1:{replay}")
dealer.RCVTIMEO = 20_000
dealer.send_multipart([b"", struct.pack(">Q", 0)])
while True:
    empty, topic, number, payload = dealer.recv_multipart()
    if number == b"\xff" * 8:
        break
    tell("replay", topic, struct.unpack(">Q", number)[0], payload)
print("end", flush=True)
context.destroy(linger=0)
