#!/bin/sh
# Makes the small transport streams and packed audio of these tests and, beside each, what ffprobe says of it.
#
# The files are committed: tests never run this. It needs ffmpeg with libx264, libx265 and libmp3lame
# (Debian 12's ffmpeg 5.1 has them). Encoders are not deterministic across versions, so run it for all
# files or for none. `sample_aes.sh` makes the protected ones.
#
#   NAME.EXT          the file
#   NAME.times.csv    every packet as it is stored: stream,pts,dts,flags (ticks of 90 kHz)
#   NAME.bytes.csv    every packet as ffmpeg remuxes it to MP4, without parameter sets and fillers: stream,size,CRC-32
#   NAME.streams.csv  every stream of that MP4: stream,codec,...
set -eu
cd "$(dirname "$0")"
rm -f ./*.ts ./*.aac ./*.mp3 ./*.ac3 ./*.ec3 ./*.csv

picture() { echo "testsrc2=size=64x48:rate=$1:duration=$2"; }
sound() { echo "sine=frequency=440:sample_rate=$1:duration=$2"; }
make() { ffmpeg -nostdin -hide_banner -loglevel error -y -fflags +bitexact "$@"; }
X264="-c:v libx264 -preset veryfast -crf 40 -pix_fmt yuv420p -flags +bitexact"
X265="-c:v libx265 -preset veryfast -crf 40 -flags +bitexact"
AAC="-c:a aac -b:a 24k -ac 1 -flags +bitexact"

# B-frames, closed groups; stereo and mono sound.
make -f lavfi -i "$(picture 25 2)" -f lavfi -i "$(sound 48000 2)" $X264 -bf 2 -g 12 -keyint_min 12 -sc_threshold 0 \
    $AAC -metadata:s:a:0 language=fra avc_aac.ts
# Open groups, several slices, a frame rate that is no whole number of ticks, samples of 4:3.
make -f lavfi -i "$(picture 24000/1001 2)" -f lavfi -i "$(sound 44100 2)" $X264 -bf 3 -g 12 -sc_threshold 0 \
    -vf setsar=4/3 -x264-params open-gop=1:slices=3:keyint=12 $AAC -ac 2 avc_open.ts
# Across the wrap of 33 bits, half way.
make -f lavfi -i "$(picture 25 2)" -f lavfi -i "$(sound 48000 2)" $X264 -bf 2 -g 25 $AAC -output_ts_offset 95441.3 wrap.ts
# From zero, where decode times would be below it.
make -f lavfi -i "$(picture 25 1)" $X264 -bf 2 -muxdelay 0 -muxpreload 0 zero.ts
make -f lavfi -i "$(picture 25 1)" $X265 -pix_fmt yuv420p -x265-params log-level=error:keyint=12:bframes=2:info=0 hevc.ts
make -f lavfi -i "$(picture 25 2)" $X265 -pix_fmt yuv420p10le \
    -x265-params log-level=error:keyint=12:min-keyint=12:scenecut=0:bframes=3:open-gop=1:info=0:aud=1 -color_primaries bt2020 \
    -color_trc smpte2084 -colorspace bt2020nc hevc_open.ts

make -f lavfi -i "$(sound 48000 1)" $AAC -mpegts_flags latm latm.ts
make -f lavfi -i "$(sound 48000 1)" -c:a aac -b:a 64k -ac 6 -flags +bitexact surround.ts
make -f lavfi -i "$(sound 48000 1)" -c:a ac3 -b:a 64k -ac 2 -flags +bitexact ac3.ts
make -f lavfi -i "$(sound 44100 1)" -c:a ac3 -b:a 64k -ac 2 -flags +bitexact -mpegts_flags system_b ac3_dvb.ts
make -f lavfi -i "$(sound 48000 1)" -c:a eac3 -b:a 64k -ac 2 -flags +bitexact eac3.ts
make -f lavfi -i "$(sound 48000 1)" -c:a mp2 -b:a 64k -ac 1 -flags +bitexact mp2.ts
make -f lavfi -i "$(sound 22050 1)" -c:a libmp3lame -b:a 32k -flags +bitexact mp3.ts
# Packets of 192 bytes.
make -f lavfi -i "$(sound 48000 1)" -c:a ac3 -b:a 64k -ac 2 -flags +bitexact -mpegts_m2ts_mode 1 m2ts.ts

make -f lavfi -i "$(sound 48000 1)" $AAC -f adts packed_aac.aac
make -f lavfi -i "$(sound 44100 1)" -c:a libmp3lame -b:a 32k -flags +bitexact -write_xing 0 -id3v2_version 0 packed_mp3.mp3
make -f lavfi -i "$(sound 48000 1)" -c:a ac3 -b:a 64k -ac 2 -flags +bitexact packed_ac3.ac3
make -f lavfi -i "$(sound 48000 1)" -c:a eac3 -b:a 64k -ac 2 -flags +bitexact -f eac3 packed_eac3.ec3

probe() { ffprobe -v quiet -show_entries "packet=stream_index,$2" -of csv=p=0 -show_data_hash CRC32 "$1" | sed 's/,$//'; }
for file in *.ts *.aac *.mp3 *.ac3 *.ec3; do
    name=${file%.*}
    probe "$file" pts,dts,flags | cut -d, -f1-4 > "$name.times.csv"
    filter=""
    case $name in
    avc*|wrap|zero) filter="-bsf:v filter_units=remove_types=7|8|12" ;;
    hevc*) filter="-bsf:v filter_units=remove_types=32|33|34|38 -tag:v hvc1" ;;
    esac
    if [ "$name" = latm ]; then
        # ffmpeg does not take AAC out of LATM without decoding it: the same sound encoded once more.
        make -f lavfi -i "$(sound 48000 1)" $AAC -f adts reference.aac
        make -i reference.aac -c copy reference.mp4
        rm reference.aac
    else
        make -i "$file" -c copy $filter reference.mp4
    fi
    probe reference.mp4 size,data_hash > "$name.bytes.csv"
    ffprobe -v quiet -show_entries stream=index,codec_name,width,height,sample_aspect_ratio,sample_rate,channels \
        -of csv=p=0 reference.mp4 > "$name.streams.csv"
    rm reference.mp4
done
