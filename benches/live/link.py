#!/usr/bin/env python3
"""A link between two network namespaces: so many bits a second, so long a way, a queue of so many bytes.

    link.py NAME NETNS_A ADDRESS_A NETNS_B ADDRESS_B MBPS RTT_MS

Two TUN devices, one in each namespace, and this between them: packets are relayed as a line would, in order, each one as long
as it takes at the rate, and half of the round trip later. It says `ready` when the devices are up, and ends with its input.
Linux, as root. Kernels without netem have TUN.
"""

import collections
import fcntl
import os
import select
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
# What a buffer of a home router holds: some 100 ms at 10 Mbit/s.
QUEUE_BYTES = 128 * 1024


def tun(name):
    """Opens a TUN device."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def place(name, namespace, address, peer):
    """Moves a device into a namespace and gives it its address; an open device goes on to work."""
    ip("link", "set", name, "netns", namespace)
    ip("-n", namespace, "addr", "add", address, "peer", peer, "dev", name)
    ip("-n", namespace, "link", "set", name, "up", "mtu", "1500")
    ip("-n", namespace, "link", "set", "lo", "up")


class Way:
    """One direction."""

    def __init__(self, source, sink, bits_per_second, delay):
        self.source, self.sink = source, sink
        self.rate, self.delay = bits_per_second, delay
        self.free = 0.0
        self.packets = collections.deque()
        self.dropped = 0

    def take(self, now):
        """Takes all packets that wait to be sent."""
        while True:
            try:
                packet = os.read(self.source, 65536)
            except BlockingIOError:
                return
            waiting = max(self.free - now, 0.0) * self.rate / 8
            if waiting + len(packet) > QUEUE_BYTES:
                self.dropped += 1
                continue
            self.free = max(self.free, now) + len(packet) * 8 / self.rate
            self.packets.append((self.free + self.delay, packet))

    def give(self, now):
        """Delivers what has come the whole way."""
        while self.packets and self.packets[0][0] <= now:
            _, packet = self.packets.popleft()
            try:
                os.write(self.sink, packet)
            except OSError:
                # The namespace is being taken down.
                self.dropped += 1

    def due(self):
        return self.packets[0][0] if self.packets else None


def main():
    name, a, address_a, b, address_b, mbps, rtt_ms = sys.argv[1:]
    devices = [name + "a", name + "b"]
    first, second = (tun(device) for device in devices)
    place(devices[0], a, address_a, address_b)
    place(devices[1], b, address_b, address_a)
    rate, delay = float(mbps) * 1e6, float(rtt_ms) / 2000
    ways = [Way(first, second, rate, delay), Way(second, first, rate, delay)]
    print("ready", flush=True)
    poll = select.poll()
    for descriptor in (first, second, sys.stdin.fileno()):
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
    while True:
        now = time.monotonic()
        due = min((way.due() for way in ways if way.due() is not None), default=None)
        wait = 1000 if due is None else max(due - now, 0) * 1000
        for descriptor, _ in poll.poll(wait if wait >= 1 else 0):
            if descriptor == sys.stdin.fileno() and not os.read(descriptor, 1):
                return
        now = time.monotonic()
        for way in ways:
            way.take(now)
            way.give(now)


if __name__ == "__main__":
    main()
