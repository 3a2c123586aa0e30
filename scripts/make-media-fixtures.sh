#!/usr/bin/env bash
# Makes the small clips that the tests of crates/media read. Needs ffmpeg with libx264, libx265,
# libvpx, libaom, libopus and libmp3lame. The clips are committed; run this only to change them:
#   scripts/make-media-fixtures.sh
# Other versions of ffmpeg give other bytes; the tests hold for any of them.
set -euo pipefail
cd "$(dirname "$0")/../crates/media/tests/fixtures"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make() { ffmpeg -hide_banner -loglevel error -y -bitexact "$@"; }
video() { echo "testsrc=size=$1:rate=$2:duration=$3"; }
tone="sine=frequency=440:sample_rate=48000:duration=2"
x264=(-c:v libx264 -preset veryfast -crf 40 -g 25 -threads 1)
aac=(-c:a aac -b:a 24k)
moving=("testsrc2=size=SIZE:rate=10:duration=6")

# 25 pictures a second for the first second, then every fifth of them only: 25 + 5.
make -f lavfi -i "$(video 128x96 25 2)" -vf "select='lt(t,1)+not(mod(n,5))'" -fps_mode vfr \
  "${x264[@]}" -pix_fmt yuv420p -bf 2 vfr.mp4

# A red left third, a green middle, a blue right third, said to be a quarter turn off.
make -f lavfi -i "color=red:32x64:r=10:d=1" -f lavfi -i "color=lime:32x64:r=10:d=1" \
  -f lavfi -i "color=blue:32x64:r=10:d=1" -filter_complex "hstack=3,format=yuv420p" \
  "${x264[@]}" -crf 10 "$work/upright.mp4"
make -i "$work/upright.mp4" -c copy -metadata:s:v:0 rotate=90 rotated.mp4

make -f lavfi -i "$(video 65x47 10 1)" -c:v libvpx-vp9 -b:v 20k -deadline realtime -cpu-used 8 \
  -pix_fmt yuv420p odd.webm
make -f lavfi -i "$(video 128x96 10 1)" "${x264[@]}" -pix_fmt yuv420p10le ten_bit.mp4
make -f lavfi -i "$(video 96x96 10 1)" -vf setsar=16/11 "${x264[@]}" -pix_fmt yuv420p anamorphic.mp4

# A picture that is an album cover, not video.
make -f lavfi -i "color=orange:64x64:d=1" -frames:v 1 "$work/cover.png"
make -f lavfi -i "$tone" -i "$work/cover.png" -map 0:a -map 1:v -c:a libmp3lame -b:a 32k -ac 1 \
  -c:v copy -disposition:v attached_pic cover.mp3

# The second of each is the default; the languages differ.
make -f lavfi -i "$(video 64x48 10 1)" -f lavfi -i "$(video 128x96 10 1)" -f lavfi -i "$tone" \
  -map 0 -map 1 -map 2 -map 2 -t 1 "${x264[@]}" -pix_fmt yuv420p "${aac[@]}" \
  -metadata:s:a:0 language=deu -metadata:s:a:1 language=eng -disposition:v:0 0 \
  -disposition:v:1 default -disposition:a:0 0 -disposition:a:1 default two_of_each.mp4

cat > "$work/en.srt" <<'SRT'
1
00:00:00,250 --> 00:00:00,750
<i>Hello</i> there

2
00:00:01,000 --> 00:00:01,500
Tom & Jerry
go on
SRT
sed 's/Hello/Hallo/; s/there/da/; s/go on/machen weiter/' "$work/en.srt" > "$work/de.srt"
make -f lavfi -i "$(video 64x48 10 2)" -i "$work/de.srt" -i "$work/en.srt" -map 0 -map 1 -map 2 \
  "${x264[@]}" -pix_fmt yuv420p -c:s:0 srt -c:s:1 ass \
  -metadata:s:s:0 language=ger -metadata:s:s:1 language=eng subtitles.mkv
make -f lavfi -i "$(video 64x48 10 2)" -i "$work/en.srt" "${x264[@]}" -pix_fmt yuv420p \
  -c:s mov_text -metadata:s:s:0 language=eng subtitles.mp4

# Timestamps that start at about eleven seconds, as in a recording of a broadcast.
make -f lavfi -i "$(video 128x96 25 2)" -f lavfi -i "$tone" "${x264[@]}" -pix_fmt yuv420p -bf 2 \
  "${aac[@]}" -output_ts_offset 10 -f mpegts late.ts

# The video begins half a second after the sound.
make -f lavfi -i "$tone" -itsoffset 0.5 -f lavfi -i "$(video 64x48 10 1)" -map 1 -map 0 \
  "${x264[@]}" -pix_fmt yuv420p -fps_mode passthrough "${aac[@]}" delayed.mp4

# Readable header, half of the content.
make -f lavfi -i "$(video 128x96 25 8)" "${x264[@]}" -pix_fmt yuv420p -movflags +faststart \
  "$work/whole.mp4"
head -c $(( $(stat -c %s "$work/whole.mp4") / 2 )) "$work/whole.mp4" > truncated.mp4
# The same without faststart: the index is at the end and lost.
make -i "$work/whole.mp4" -c copy "$work/index_last.mp4"
head -c 4000 "$work/index_last.mp4" > no_index.mp4

# Raw h264: five pictures of one size, five of another, no container that knows a length.
make -f lavfi -i "$(video 64x48 10 0.5)" "${x264[@]}" -pix_fmt yuv420p -f h264 "$work/small.h264"
make -f lavfi -i "$(video 96x64 10 0.5)" "${x264[@]}" -pix_fmt yuv420p -f h264 "$work/large.h264"
cat "$work/small.h264" "$work/large.h264" > size_change.h264

# Matroska written to a pipe does not know its length.
make -f lavfi -i "$(video 64x48 10 1)" -f lavfi -i "$tone" -t 1 "${x264[@]}" -pix_fmt yuv420p \
  -c:a libopus -b:a 16k -f matroska -live 1 - > live.mkv

# Half a second of the sound is missing, and the times say so.
make -f lavfi -i "sine=frequency=440:sample_rate=8000:duration=2" \
  -af "aselect='not(between(t,0.9,1.5))'" -c:a pcm_s16le gap.mkv
# Nine channels without a known order: 1, 2, ... 9 tenths.
make -f lavfi -i "aevalsrc=.1|.2|.3|.4|.5|.6|.7|.8|.9:s=8000:d=0.25" -c:a pcm_f32le nine.wav

# A minute in which decoding may begin every five seconds.
make -f lavfi -i "$(video 64x48 10 60)" -f lavfi -i "sine=frequency=440:sample_rate=16000:duration=10" \
  -c:v libx264 -preset veryfast -crf 45 -g 50 -bf 3 -threads 1 -pix_fmt yuv420p \
  -c:a libmp3lame -b:a 8k long.mp4
# The same from the middle of a group on: what is before the cut is there and not to be shown.
make -ss 12.2 -i long.mp4 -t 5 -c copy trimmed.mp4
# Groups whose first pictures refer to the group before.
make -f lavfi -i "${moving[@]/SIZE/64x64}" -c:v libx265 -preset fast -x265-params \
  "log-level=error:crf=45:keyint=12:min-keyint=12:scenecut=0:open-gop=1:bframes=4:pools=1:frame-threads=1" \
  -pix_fmt yuv420p open_gop.mkv
# Frames that are never shown, inside the packets of others.
make -f lavfi -i "${moving[@]/SIZE/64x48}" -c:v libvpx-vp9 -b:v 8k -deadline good -cpu-used 5 \
  -auto-alt-ref 1 -lag-in-frames 16 -g 15 -pix_fmt yuv420p hidden.webm
make -f lavfi -i "${moving[@]/SIZE/64x64}" -c:v libaom-av1 -b:v 6k -cpu-used 8 -lag-in-frames 16 \
  -g 15 -pix_fmt yuv420p hidden_av1.mkv
# Two encodings one after the other in one stream.
for cabac in 0 1; do
  make -f lavfi -i "${moving[@]/SIZE/64x48}" -t 3 "${x264[@]}" -g 10 -x264-params "cabac=$cabac" \
    -pix_fmt yuv420p "$work/part_$cabac.mp4"
done
printf 'file part_0.mp4\nfile part_1.mp4\n' > "$work/parts.txt"
make -f concat -i "$work/parts.txt" -c copy joined.mp4
ls -l
