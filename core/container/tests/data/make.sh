#!/bin/sh
# Makes the small media files of these tests and, beside each, what ffprobe says of it.
#
# The files are committed: tests never run this. It needs ffmpeg with libx264, libx265, libvpx-vp9,
# libaom-av1 and libopus (Debian 12's ffmpeg 5.1 has them all). Encoders are not deterministic
# across versions, so run it for all files or for none.
#
#   NAME.mp4           the file
#   NAME.media.csv     every packet as stored, edit lists ignored: track,pts,dts,duration,size,offset,flags
#   NAME.shown.csv     every packet as presented, edit lists applied: track,pts
#   NAME.streams.csv   every stream: track,codec,...
set -eu
cd "$(dirname "$0")"
rm -f ./*.mp4 ./*.csv

picture() { echo "testsrc2=size=64x48:rate=25:duration=$1"; }
sound() { echo "sine=frequency=440:sample_rate=48000:duration=$1"; }
make() { ffmpeg -nostdin -hide_banner -loglevel error -y -fflags +bitexact "$@"; }
X264="-c:v libx264 -preset veryfast -crf 40 -bf 2 -g 12 -keyint_min 12 -sc_threshold 0 -pix_fmt yuv420p -flags +bitexact"
AAC="-c:a aac -b:a 24k -ac 1 -flags +bitexact"

# Fragmented, two tracks in one file, B-frames, edit lists on both tracks.
make -f lavfi -i "$(picture 2)" -f lavfi -i "$(sound 2)" $X264 $AAC \
    -movflags frag_keyframe+delay_moov+default_base_moof muxed_edit.mp4
# The same video with composition offsets below zero; its edit list starts at zero.
make -f lavfi -i "$(picture 2)" $X264 \
    -movflags frag_keyframe+delay_moov+default_base_moof+negative_cts_offsets negative_ctts.mp4
# Every sample a fragment of its own, as low latency has it; offsets by base-data-offset.
make -f lavfi -i "$(picture 1)" $X264 -movflags frag_every_frame+empty_moov chunked.mp4
# Separate trafs in one moof, offsets behind each other without default-base-is-moof.
make -f lavfi -i "$(picture 1)" -f lavfi -i "$(sound 1)" $X264 $AAC \
    -movflags frag_keyframe+empty_moov+omit_tfhd_offset omit_offset.mp4
# CMAF with one sidx for all; and one sidx for every fragment.
make -f lavfi -i "$(picture 2)" $X264 -movflags cmaf+frag_keyframe+global_sidx+delay_moov cmaf_sidx.mp4
make -f lavfi -i "$(picture 2)" $X264 -movflags dash+frag_keyframe+delay_moov+default_base_moof dash_sidx.mp4
# Progressive: moov behind the media, moov before it, and an edit list with a pause of 0.5 s.
make -f lavfi -i "$(picture 2)" -f lavfi -i "$(sound 2)" $X264 $AAC progressive.mp4
make -f lavfi -i "$(picture 1)" -f lavfi -i "$(sound 1)" $X264 $AAC -movflags faststart faststart.mp4
make -f lavfi -i "$(picture 1)" -f lavfi -itsoffset 0.5 -i "$(sound 1)" $X264 $AAC delayed_audio.mp4

FRAGMENTS="-movflags frag_keyframe+delay_moov+default_base_moof -frag_duration 1000000"
make -f lavfi -i "$(picture 1)" -c:v libx265 -preset veryfast -crf 40 -tag:v hvc1 -pix_fmt yuv420p \
    -x265-params log-level=error:keyint=12:bframes=2:info=0 -flags +bitexact $FRAGMENTS hevc.mp4
make -f lavfi -i "$(picture 1)" -c:v libx265 -preset veryfast -crf 40 -tag:v hev1 -pix_fmt yuv420p10le \
    -x265-params log-level=error:keyint=12:bframes=2:info=0 -flags +bitexact $FRAGMENTS hevc10.mp4
make -f lavfi -i "$(picture 1)" -c:v libvpx-vp9 -b:v 30k -g 12 -deadline realtime -cpu-used 8 -pix_fmt yuv420p \
    -flags +bitexact $FRAGMENTS vp9.mp4
make -f lavfi -i "$(picture 0.48)" -c:v libaom-av1 -crf 60 -b:v 0 -g 12 -cpu-used 8 -pix_fmt yuv420p \
    -flags +bitexact $FRAGMENTS av1.mp4
make -f lavfi -i "$(picture 0.48)" -c:v libaom-av1 -crf 60 -b:v 0 -g 12 -cpu-used 8 -pix_fmt yuv420p10le \
    -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -movflags +write_colr \
    -flags +bitexact $FRAGMENTS -movflags +write_colr av1_hdr.mp4
make -f lavfi -i "$(sound 1)" -c:a libopus -b:a 16k -flags +bitexact $FRAGMENTS opus.mp4
make -f lavfi -i "$(sound 0.5)" -c:a flac -sample_fmt s16 -flags +bitexact -strict experimental $FRAGMENTS flac.mp4
make -f lavfi -i "$(sound 1)" -c:a ac3 -b:a 64k -ac 2 -flags +bitexact $FRAGMENTS ac3.mp4
make -f lavfi -i "$(sound 1)" -c:a eac3 -b:a 64k -ac 2 -flags +bitexact $FRAGMENTS eac3.mp4
make -f lavfi -i "$(sound 0.5)" -c:a alac -flags +bitexact alac.mp4
# Encrypted with cenc by ffmpeg's progressive muxer; the key is public.
make -f lavfi -i "$(picture 1)" $X264 -encryption_scheme cenc-aes-ctr \
    -encryption_key 00112233445566778899aabbccddeeff -encryption_kid 0123456789abcdef0123456789abcdef cenc.mp4

for file in *.mp4; do
    name=${file%.mp4}
    packet=stream_index,pts,dts,duration,size,pos,flags
    ffprobe -v quiet -ignore_editlist 1 -show_entries packet=$packet -of csv=p=0 "$file" > "$name.media.csv"
    ffprobe -v quiet -show_entries packet=stream_index,pts -of csv=p=0 "$file" > "$name.shown.csv"
    ffprobe -v quiet -show_entries \
        stream=index,codec_name,width,height,sample_rate,channels,time_base -of csv=p=0 "$file" > "$name.streams.csv"
done
