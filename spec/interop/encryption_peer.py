"""A Python process with keys of its own: answers each sealed message to a group with what it read, sealed as well.

It seals as the newest channels_redis does (channels_redis/serializers.py); the one of Debian ignores keys on pub/sub.
"""
import base64
import hashlib
import sys

import msgpack
import redis
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

url, topic, *keys = sys.argv[1:]
digests = [hashlib.sha256(key.encode()).digest() for key in keys]
crypter = MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])

client = redis.Redis.from_url(url)
listener = client.pubsub()
listener.subscribe(topic)

for item in listener.listen():
    if item["type"] == "subscribe":
        print("ready", flush=True)
        continue
    try:
        message = msgpack.unpackb(crypter.decrypt(item["data"], ttl=60))
    except InvalidToken:
        message = {"type": "chat.question", "unreadable": True}
    if message["type"] == "chat.question":
        answer = {"type": "chat.answer", "got": message}
        client.publish(topic, crypter.encrypt(msgpack.packb(answer)))
