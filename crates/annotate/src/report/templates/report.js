'use strict';
// One state: the instant under the playhead. The player, when there is one, leads it; everything
// else (playheads, panel, table) follows from it.
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($('data').textContent);
  const media = $('media');
  const tip = $('tip');
  const lines = [...document.querySelectorAll('.line')].map((element) => ({
    element,
    head: element.querySelector('.head'),
    hair: element.querySelector('.hair'),
    start: Number(element.dataset.start),
    length: Number(element.dataset.length),
  }));
  const rows = [...document.querySelectorAll('#rows > tr')];
  const pieces = [...document.querySelectorAll('.piece')];
  const main = ['events', 'seen', 'heard', 'said'].find((lane) => data[lane].length) || 'events';
  let now = 0;
  let playable = Boolean(media);

  const clock = (seconds, tenths = true) => {
    const total = Math.max(0, Math.round(seconds * 10));
    const pad = (n) => String(n).padStart(2, '0');
    const s = Math.floor(total / 10);
    const hours = Math.floor(s / 3600);
    const head = hours ? `${hours}:${pad(Math.floor(s / 60) % 60)}` : String(Math.floor(s / 60));
    return `${head}:${pad(s % 60)}${tenths ? `.${total % 10}` : ''}`;
  };
  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  // A player may land a hair before the instant it was sent to.
  const hair = 0.002;
  const at = (lane, time) => data[lane].findIndex((e) => e.start <= time + hair && time + hair < e.end);
  const hint = (piece) => data[piece.dataset.lane][Number(piece.dataset.index)];

  // The playhead and all that follows it.
  let marked = '';
  const show = () => {
    for (const line of lines) {
      const share = (now - line.start) / line.length;
      const last = line === lines[lines.length - 1];
      line.head.hidden = share < 0 || (last ? share > 1.0001 : share >= 1);
      line.head.style.left = `${Math.min(share, 1) * 100}%`;
    }
    $('now-time').textContent = clock(now);
    const current = ['events', 'seen', 'heard', 'said'].map((lane) => at(lane, now));
    if (current.join() === marked) return;
    marked = current.join();
    const [event, seen, heard, said] = current;
    for (const piece of pieces) {
      const lane = ['events', 'seen', 'heard', 'said'].indexOf(piece.dataset.lane);
      piece.classList.toggle('current', Number(piece.dataset.index) === current[lane]);
    }
    if (data.events.length) rows.forEach((row, i) => row.classList.toggle('current', i === event));
    panel(data.events[event], data.seen[seen], data.heard[heard], data.said[said], event);
    $('still').className = `still t${data.seen[seen]?.picture ?? '-none'}`;
    $('still').hidden = playable || data.seen[seen]?.picture === undefined;
  };
  const panel = (event, seen, heard, said, number) => {
    $('now-event').textContent = event
      ? `event ${number + 1} of ${data.events.length}`
      : data.events.length ? 'between events' : '';
    $('now-caption').textContent = event ? event.text : '';
    const parts = [
      ['seen', seen && (seen.text || seen.kind)],
      ['heard', heard && (heard.text || heard.kind)],
      ['said', said ? said.text : heard && heard.said],
    ];
    $('now-parts').replaceChildren(...parts.filter(([, text]) => text).flatMap(([name, text]) => [
      make('dt', name),
      make('dd', text, name),
    ]));
  };
  const seek = (time, follow = true) => {
    now = Math.min(Math.max(time, 0), data.duration);
    if (follow && playable) media.currentTime = now;
    history.replaceState(null, '', `#t=${now.toFixed(1)}`);
    show();
  };

  // The player.
  const unplayable = () => {
    playable = false;
    if (media) media.hidden = true;
    $('unreachable').hidden = false;
    marked = '';
    show();
  };
  if (media) {
    media.addEventListener('error', unplayable);
    if (media.error) unplayable();
    const follow = () => {
      now = media.currentTime;
      show();
      if (!media.paused) requestAnimationFrame(follow);
    };
    media.addEventListener('play', follow);
    media.addEventListener('seeked', follow);
    media.addEventListener('loadedmetadata', () => { if (now) media.currentTime = now; });
  }

  // The tooltip.
  const explain = (piece) => {
    const it = hint(piece);
    const lane = piece.dataset.lane;
    const heading = make('p', undefined, 'tip-time');
    heading.append(make('b', `${clock(it.start)}–${clock(it.end)}`));
    heading.append(` ${(it.end - it.start).toFixed(1)} s`);
    if (it.kind) heading.append(' · ', it.kind);
    tip.replaceChildren(heading);
    if (it.picture !== undefined) tip.append(make('div', undefined, `tip-picture t${it.picture}`));
    if (it.text) tip.append(make('p', it.text, lane === 'said' ? 'quote' : 'tip-text'));
    if (it.said) tip.append(make('p', it.said, 'quote'));
    if (it.facts) {
      const list = make('dl', undefined, lane === 'events' ? 'long' : '');
      for (const [name, value] of it.facts) list.append(make('dt', name), make('dd', value));
      tip.append(list);
    }
    tip.hidden = false;
    const box = piece.getBoundingClientRect();
    const size = tip.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const left = Math.min(Math.max(8, box.left), width - size.width - 8);
    const below = box.bottom + 8;
    const fits = below + size.height < innerHeight || box.top < size.height + 16;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${fits ? below : box.top - size.height - 8}px`;
  };
  const hide = () => { tip.hidden = true; };
  for (const piece of pieces) {
    const it = hint(piece);
    piece.tabIndex = -1;
    piece.setAttribute('aria-label', `${clock(it.start)} ${[it.kind, it.text].filter(Boolean).join(': ')}`);
    piece.setAttribute('aria-describedby', 'tip');
    piece.addEventListener('mouseenter', () => explain(piece));
    piece.addEventListener('mouseleave', hide);
    piece.addEventListener('focus', () => { if (piece.matches(':focus-visible')) explain(piece); });
    piece.addEventListener('blur', hide);
  }
  // One tab stop per lane; the arrow keys move within it.
  for (const lane of ['seen', 'heard', 'said', 'events']) {
    const first = pieces.find((piece) => piece.dataset.lane === lane);
    if (first) first.tabIndex = 0;
  }
  addEventListener('scroll', hide, { passive: true });

  // The instant under the pointer.
  const pointed = (line, x) => {
    const box = line.element.getBoundingClientRect();
    return line.start + Math.min(Math.max((x - box.left) / box.width, 0), 1) * line.length;
  };
  for (const line of lines) {
    line.element.addEventListener('mousemove', (move) => {
      const time = pointed(line, move.clientX);
      line.hair.hidden = time > data.duration;
      line.hair.style.left = `${((time - line.start) / line.length) * 100}%`;
      line.hair.firstChild.textContent = clock(time);
    });
    line.element.addEventListener('mouseleave', () => { line.hair.hidden = true; });
  }

  // Clicks: an event goes to its start, bare timeline to the instant under the pointer.
  document.addEventListener('click', (click) => {
    const link = click.target.closest('a[href="#t"]');
    if (link) {
      click.preventDefault();
      seek(link.classList.contains('piece') ? hint(link).start : Number(link.dataset.t));
      return;
    }
    const line = lines.find((candidate) => candidate.element.contains(click.target));
    if (line) seek(pointed(line, click.clientX));
  });

  // Keys.
  const step = (lane, direction) => {
    const starts = data[lane].map((e) => e.start);
    const index = direction > 0
      ? starts.findIndex((start) => start > now + 0.05)
      : starts.findLastIndex((start) => start < now - 0.05);
    if (index < 0) return;
    seek(starts[index]);
    return index;
  };
  document.addEventListener('keydown', (key) => {
    if (key.ctrlKey || key.altKey || key.metaKey) return;
    if (key.key === 'Escape') hide();
    const target = key.target;
    if (target.closest('input, textarea, select, video, audio')) return;
    const piece = target.closest('.piece');
    if (key.key === 'ArrowRight' || key.key === 'ArrowLeft') {
      const lane = piece ? piece.dataset.lane : main;
      const index = step(lane, key.key === 'ArrowRight' ? 1 : -1);
      key.preventDefault();
      if (piece && index !== undefined) {
        pieces.find((p) => p.dataset.lane === lane && Number(p.dataset.index) === index)
          ?.focus({ preventScroll: true });
      }
    } else if (key.key === ' ' && !target.closest('button, summary')) {
      key.preventDefault();
      if (playable) media[media.paused ? 'play' : 'pause']();
    }
  });

  // The search.
  const search = $('search');
  const texts = rows.map((row) => row.textContent.replace(/\s+/g, ' ').toLowerCase());
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    const hits = new Set();
    rows.forEach((row, i) => {
      row.hidden = !words.every((word) => texts[i].includes(word));
      if (!row.hidden) { found += 1; hits.add(i); }
    });
    for (const piece of pieces) {
      piece.classList.toggle('dim', piece.dataset.lane === 'events' && !hits.has(Number(piece.dataset.index)));
    }
    $('found').textContent = words.length ? `${found} of ${$('found').dataset.all}` : '';
    $('nothing').hidden = found > 0;
  };
  if (search) search.addEventListener('input', filter);

  const linked = () => {
    const match = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
    if (match) seek(Number(match[1]));
  };
  addEventListener('hashchange', linked);
  $('now').hidden = false;
  $('now-caption').hidden = !data.events.length;
  if (!playable) unplayable();
  linked();
  show();
})();
