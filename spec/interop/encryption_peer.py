"""A Python process with its own keys: answers each encrypted question to a group with its content, encrypted too.

It encrypts as the newest channels_redis (channels_redis/serializers.py); Debian's version ignores keys on pub/sub.
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
