#!/bin/sh
# Makes the vectors of these tests. The files are committed: tests never run this.
#
# It needs openssl (3.0) and Python 3 with the package cryptography (for the two files *.gcm, which openssl's command
# line cannot make). The result is the same every time.
set -eu
cd "$(dirname "$0")"
K128=000102030405060708090a0b0c0d0e0f
K256=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
IV=f0e0d0c0b0a090807060504030201000

# 5,003 bytes that look random.
head -c 5003 /dev/zero | openssl aes-128-ctr -K ffffffffffffffffffffffffffffffff -iv 00000000000000000000000000000000 >plain.bin
openssl aes-128-ctr -K $K128 -iv $IV -in plain.bin -out aes128.ctr
openssl aes-256-ctr -K $K256 -iv $IV -in plain.bin -out aes256.ctr
openssl aes-128-cbc -K $K128 -iv $IV -in plain.bin -out aes128.cbc
openssl aes-256-cbc -K $K256 -iv $IV -in plain.bin -out aes256.cbc
# The vector of media sequence number 0x123456.
openssl aes-128-cbc -K $K128 -iv 00000000000000000000000000123456 -in plain.bin -out sequence.cbc
# Whole blocks: the padding is a block of its own.
head -c 4096 plain.bin | openssl aes-128-cbc -K $K128 -iv $IV -out whole.cbc
# AES-256-GCM as rfc8216bis has it: vector, cipher text, tag.
python3 - $K256 <<'PY'
import sys
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

key = bytes.fromhex(sys.argv[1])
plain = open('plain.bin', 'rb').read()

def product(x, y):                                 # in GF(2^128), bits as SP 800-38D, 6.3 numbers them
    z = 0
    for i in range(127, -1, -1):
        if x >> i & 1:
            z ^= y
        y = y >> 1 ^ (0xe1 << 120 if y & 1 else 0)
    return z

h = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(bytes(16))
h = int.from_bytes(h, 'big')
counter = lambda iv: product(product(iv, h) ^ 128, h) & 0xffffffff
first = int('a0b0c0d0e0f0102030405060708090a0', 16)
# With the second vector the 32-bit counter wraps within the first blocks. The product is linear: choose the counter, and solve for the vector.
def inverse(x):                                    # x^(2^128 - 2)
    result, square = 1 << 127, x
    for _ in range(127):
        square = product(square, square)
        result = product(result, square)
    return result
wanted = 0x00112233445566778899aabb << 32 | 0xffffffff - 100
by = inverse(h)
wrapping = product(product(wanted, by) ^ 128, by)
assert counter(wrapping) == 0xffffffff - 100
for name, iv in ('aes256.gcm', first), ('wrap.gcm', wrapping):
    iv = iv.to_bytes(16, 'big')
    open(name, 'wb').write(iv + AESGCM(key).encrypt(iv, plain, None))
PY
