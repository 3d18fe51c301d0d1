#!/bin/sh
# Lets ffmpeg (5.1 of Debian 12 was used) decode captions.scc, which the test cea608_ffmpeg writes with TELECINE_BLESS=1.
#
# The results are committed: tests never run this.
set -eu
cd "$(dirname "$0")"
ffmpeg -nostdin -hide_banner -loglevel error -y -i captions.scc -f ass captions.ass
