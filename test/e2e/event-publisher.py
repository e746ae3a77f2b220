"""An engine's cache events with libzmq and msgpack-python, laid out as vLLM's ZmqEventPublisher does.

Arguments: encoding of events (array or map), ports are chosen by the system and printed. Reads lines from standard input:
`<hash>` publishes a batch that stores it, `lost <hash>` keeps it for replay only, `end` ends. Each is answered when it is done.
"""
import queue
import sys
import threading

import msgpack
import zmq

encoding = sys.argv[1]
context = zmq.Context.instance()
pub = context.socket(zmq.PUB)
pub_port = pub.bind_to_random_port("tcp://127.0.0.1")
replay = context.socket(zmq.ROUTER)
replay_port = replay.bind_to_random_port("tcp://127.0.0.1")
print(pub_port, replay_port, flush=True)
lines = queue.Queue()


def read():
    for line in sys.stdin:
        lines.put(line.split())
    lines.put(["end"])


threading.Thread(target=read, daemon=True).start()
kept = []
while True:
    if replay.poll(0):
        identity, _, start = replay.recv_multipart()
        for sequence, payload in kept:
            if sequence >= int.from_bytes(start, "big"):
                replay.send_multipart((identity, b"", sequence.to_bytes(8, "big"), payload))
        replay.send_multipart((identity, b"", (-1).to_bytes(8, "big", signed=True), b""))
    try:
        words = lines.get(timeout=0.02)
    except queue.Empty:
        continue
    if words == ["end"]:
        break
    number = int(words[-1])
    if encoding == "map":
        event = {"type": "BlockStored", "block_hashes": [number.to_bytes(32, "big")], "parent_block_hash": None,
                 "token_ids": [1, 2], "block_size": 2, "lora_id": None, "medium": "GPU", "lora_name": None}
        batch = {"ts": 1.5, "events": [event], "data_parallel_rank": 0}
    else:
        batch = [1.5, [["BlockStored", [number], None, [1, 2], 2, None, "GPU", None]], 0]
    payload = msgpack.packb(batch)
    kept.append((len(kept), payload))
    if words[0] != "lost":
        pub.send_multipart((b"kv@e", (len(kept) - 1).to_bytes(8, "big"), payload))
    print("kept", number, flush=True)
pub.close(linger=0)
replay.close(linger=0)
