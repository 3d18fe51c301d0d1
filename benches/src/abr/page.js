'use strict';
(() => {
  const space = document.querySelector('svg').namespaceURI;
  const make = (parent, name, attributes = {}, text) => {
    const element = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  };
  const html = (parent, name, properties = {}) => {
    const element = Object.assign(document.createElement(name), properties);
    parent.append(element);
    return element;
  };
  const number = (value) => {
    const size = Math.abs(value);
    return (size < 1e-9 ? 0 : value).toLocaleString('en', { maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3 });
  };

  // A line of its own for each rule: by colour and by dash. Those that stand out are thick; of the others neighbours in the list
  // are far apart in colour, and no two have both the same colour and the same dash.
  const DASHES = ['', '8 3', '2 3', '10 3 2 3', '5 2', '12 3 2 3 2 3', '4 4'];
  const rest = [];
  const muted = (name) => {
    if (!rest.includes(name)) rest.push(name);
    return rest.indexOf(name);
  };
  const style = (name, drawn) => {
    if (name === 'optimum') return { stroke: 'var(--ink)', 'stroke-dasharray': '1.5 3', 'stroke-width': 2.2 };
    const place = drawn.indexOf(name);
    if (place === 0) return { stroke: 'var(--c0)', 'stroke-width': 3 };
    if (place > 0) return { stroke: `var(--c${place})`, 'stroke-dasharray': DASHES[place], 'stroke-width': 1.9 };
    const other = muted(name);
    return { stroke: `hsl(${((other * 137.5) % 360).toFixed(0)} 34% var(--light))`, 'stroke-dasharray': DASHES[other % DASHES.length], 'stroke-width': 1 };
  };

  // Scales: where a value is between 0 and 1, and which values are written.
  const steps = (low, high, about) => {
    const rough = (high - low) / about;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough);
    const ticks = [];
    for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-6; at += 1) ticks.push(at * step);
    return ticks;
  };
  const linear = (low, high, about = 6) => ({ at: (value) => (value - low) / (high - low), ticks: steps(low, high, about) });
  // Even near its beginning and by ratios far from it: stalls of seconds and of minutes on one axis.
  const bent = (low, high) => {
    const bend = (value) => Math.log1p(Math.max(0, value - low));
    const far = bend(high) || 1;
    const ticks = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].map((more) => low + more);
    return { at: (value) => bend(value) / far, ticks: ticks.filter((value) => value <= high) };
  };
  const byRatio = (low, high, ticks) => ({ at: (value) => Math.log(Math.max(value, low) / low) / Math.log(high / low), ticks });

  // A plot's frame: axes with their ticks and names. Gives where values are drawn, and what they are drawn into: nothing of that
  // shows outside of the axes, but for half of a line's width.
  let frames = 0;
  const frame = (svg, box, x, y, names) => {
    const within = (share) => Math.min(3, Math.max(-2, share));
    const px = (value) => box.left + within(x.at(value)) * box.width;
    const py = (value) => box.top + (1 - within(y.at(value))) * box.height;
    const bottom = box.top + box.height;
    let free = Infinity;
    for (const value of y.ticks) {
      make(svg, 'line', { class: 'grid', x1: box.left, x2: box.left + box.width, y1: py(value), y2: py(value) });
      if (free - py(value) < 12) continue;
      free = py(value);
      make(svg, 'text', { x: box.left - 6, y: py(value) + 4, 'text-anchor': 'end' }, number(value));
    }
    free = -Infinity;
    for (const value of names.x ? x.ticks : []) {
      make(svg, 'line', { class: 'grid', x1: px(value), x2: px(value), y1: box.top, y2: bottom });
      if (px(value) - free < 34) continue;
      free = px(value);
      make(svg, 'text', { x: px(value), y: bottom + 15, 'text-anchor': 'middle' }, number(value));
    }
    make(svg, 'path', { class: 'axis', d: `M${box.left} ${box.top}V${bottom}H${box.left + box.width}` });
    if (names.x) make(svg, 'text', { x: box.left + box.width / 2, y: bottom + 32, 'text-anchor': 'middle' }, names.x);
    const middle = box.top + box.height / 2;
    make(svg, 'text', { x: 13, y: middle, 'text-anchor': 'middle', transform: `rotate(-90 13 ${middle})` }, names.y);
    frames += 1;
    const cut = make(make(svg, 'defs'), 'clipPath', { id: `frame-${frames}` });
    make(cut, 'rect', { x: box.left - 1.5, y: box.top - 1.5, width: box.width + 3, height: box.height + 3 });
    return { x: px, y: py, inside: make(svg, 'g', { 'clip-path': `url(#frame-${frames})` }) };
  };
  const path = (points) => points.map(([x, y], index) => `${index ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
  const curve = (svg, name, drawn, points, title) => {
    const line = make(svg, 'path', { class: 'series', 'data-rule': name, d: path(points), ...style(name, drawn) });
    make(line, 'title', {}, title ?? name);
    return line;
  };
  // The default rule last: over all others.
  const inOrder = (rules, drawn) => {
    const rank = ({ name }) => (drawn.includes(name) ? drawn.length - drawn.indexOf(name) : 0);
    return [...rules].sort((one, other) => rank(one) - rank(other));
  };

  const AXES = {
    q1: { name: 'Q1 of a trace', values: (rule) => rule.q1 },
    norm: { name: 'normalised QoE_lin of a trace (0: always lowest, 1: optimum)', values: (rule) => rule.norm },
    stall: { name: 'stall of a trace, s', values: (rule) => rule.stall },
  };
  const distribution = (svg, data, kind) => {
    const { name, values } = AXES[kind];
    const sorted = data.rules.map((rule) => ({ name: rule.name, values: values(rule).filter((value) => value !== null).sort((a, b) => a - b) }));
    const shown = sorted.filter((rule) => rule.values.length);
    if (!shown.length) {
      make(svg, 'text', { x: 280, y: 150, 'text-anchor': 'middle' }, 'nothing to be had on any trace');
      return;
    }
    const lows = shown.map((rule) => rule.values[0]);
    const highs = shown.map((rule) => rule.values.at(-1));
    const drawn = shown.filter((rule) => data.drawn.includes(rule.name));
    const low = Math.min(...drawn.map((rule) => rule.values[Math.floor(rule.values.length / 20)]));
    let x;
    if (kind === 'stall') x = bent(0, Math.max(1, ...highs));
    else if (kind === 'norm') x = linear(Math.max(-1, Math.min(0, ...lows)), Math.max(1, Math.min(1.1, ...highs)));
    else x = linear(low, Math.max(low + 0.1, ...highs));
    const at = frame(svg, { left: 52, top: 10, width: 494, height: 270 }, x, linear(0, 1, 5), { x: name, y: 'share of traces at or below' });
    for (const rule of inOrder(shown, data.drawn)) {
      const points = [[at.x(rule.values[0]), at.y(0)]];
      rule.values.forEach((value, index) => {
        points.push([at.x(value), at.y(index / rule.values.length)], [at.x(value), at.y((index + 1) / rule.values.length)]);
      });
      points.push([at.x(1e9), at.y(1)]);
      curve(at.inside, rule.name, data.drawn, points);
    }
  };

  const frontier = (svg, data) => {
    const points = data.rules.map((rule) => ({ name: rule.name, stall: rule.at[0], quality: rule.at[1] })).filter((point) => point.quality > 0);
    const limits = data.ceiling ? [{ name: 'five segments foreseen', stall: data.ceiling[0], quality: data.ceiling[1], limit: true }] : [];
    const all = [...points, ...limits];
    const least = Math.min(...all.map((point) => point.stall));
    const most = Math.max(...all.map((point) => point.stall));
    const qualities = all.map((point) => point.quality);
    const low = Math.min(...qualities);
    const high = Math.max(...qualities);
    const room = (high - low) * 0.08 || 0.01;
    const x = bent(least, Math.max(most * 1.02, least + 1));
    const box = { left: 52, top: 12, width: 494, height: 268 };
    const at = frame(svg, box, x, linear(Math.max(0, low - room), Math.min(1.02, high + room), 5), { x: 'stall a session, s (stretched near the least)', y: 'mean quality, 0 to 1' });
    // Who nobody passes in both.
    const front = points.filter((one) => !points.some((other) => (other.stall < one.stall && other.quality >= one.quality) || (other.stall <= one.stall && other.quality > one.quality)));
    front.sort((one, other) => one.stall - other.stall);
    make(at.inside, 'path', { class: 'series front', d: path(front.map((point) => [at.x(point.stall), at.y(point.quality)])), stroke: 'var(--faint)', 'stroke-width': 1 });
    const places = [];
    for (const point of inOrder([...limits, ...points], data.drawn).reverse()) {
      const [px, py] = [at.x(point.stall), at.y(point.quality)];
      const near = places.find((place) => Math.hypot(place.px - px, place.py - py) < 3);
      const look = style(point.name, data.drawn);
      const main = point.name === data.drawn[0];
      const dot = point.limit
        ? make(svg, 'path', { d: `M${px - 5} ${py}h10M${px} ${py - 5}v10`, stroke: 'var(--ink)', 'stroke-width': 2 })
        : make(svg, 'circle', { class: 'series', 'data-rule': point.name, cx: px, cy: py, r: main ? 7 : 4, style: `fill:${look.stroke}`, stroke: 'var(--card)' });
      make(dot, 'title', {}, `${point.name}: ${number(point.stall)} s, quality ${number(point.quality)}`);
      if (near) near.names.push(point.name);
      else places.push({ px, py, names: [point.name], main });
    }
    // Names where they have room; the rest have theirs under the pointer.
    const taken = places.map(({ px, py }) => ({ left: px - 5, right: px + 5, top: py - 5, bottom: py + 5 }));
    for (const { px, py, names, main } of places) {
      const text = names.slice(0, 2).join(', ') + (names.length > 2 ? ` +${names.length - 2}` : '');
      const width = text.length * (main ? 7 : 6);
      const tries = [[px + 9, py + 4], [px - 9 - width, py + 4], [px - width / 2, py - 9], [px - width / 2, py + 17], [px + 9, py - 8], [px + 9, py + 16], [px - 9 - width, py - 8], [px - 9 - width, py + 16]];
      const fits = ([left, base]) => {
        const own = { left, right: left + width, top: base - 10, bottom: base + 2 };
        const inside = own.left > box.left && own.right < box.left + box.width + 12 && own.top > 0 && own.bottom < box.top + box.height;
        return inside && !taken.some((other) => own.left < other.right && own.right > other.left && own.top < other.bottom && own.bottom > other.top && !(Math.abs((other.left + other.right) / 2 - px) < 1 && Math.abs((other.top + other.bottom) / 2 - py) < 1));
      };
      const place = tries.find(fits);
      if (!place) continue;
      taken.push({ left: place[0], right: place[0] + width, top: place[1] - 10, bottom: place[1] + 2 });
      make(svg, 'text', { class: main ? 'name main' : 'name', x: place[0], y: place[1] }, text);
    }
  };

  // Names of lines, which switch them.
  const legend = (card, place, entries, drawn) => {
    place.replaceChildren();
    const lines = (name) => card.querySelectorAll(`[data-rule="${CSS.escape(name)}"]`);
    for (const { name, told, off } of entries) {
      const button = html(place, 'button', { type: 'button', className: name === drawn[0] ? 'main' : '' });
      button.setAttribute('aria-pressed', String(!off));
      const sample = make(button, 'svg', { viewBox: '0 0 30 10' });
      make(sample, 'line', { x1: 0, x2: 30, y1: 5, y2: 5, ...style(name, drawn) });
      html(button, 'span', { textContent: name });
      if (told) html(button, 'small', { textContent: told });
      const set = () => {
        for (const line of lines(name)) line.classList.toggle('off', button.getAttribute('aria-pressed') === 'false');
      };
      button.addEventListener('click', () => {
        button.setAttribute('aria-pressed', String(button.getAttribute('aria-pressed') === 'false'));
        set();
      });
      const light = (on) => {
        card.classList.toggle('lit', on);
        for (const line of lines(name)) line.classList.toggle('hot', on);
      };
      button.addEventListener('pointerenter', () => light(true));
      button.addEventListener('pointerleave', () => light(false));
      set();
    }
  };

  const drawMatch = (card) => {
    const data = JSON.parse(card.querySelector('script').textContent);
    for (const figure of card.querySelectorAll('[data-plot]')) {
      const svg = figure.querySelector('svg');
      if (figure.dataset.plot === 'frontier') frontier(svg, data);
      else distribution(svg, data, figure.dataset.plot);
    }
    const order = inOrder(data.rules, data.drawn).reverse();
    legend(card, card.querySelector('.legend'), order.map(({ name }) => ({ name })), data.drawn);
  };

  // Pairs of tenths of seconds since the one before and a value, as points in seconds.
  const points = (pairs) => {
    const found = [];
    let at = 0;
    for (let index = 0; index < pairs.length; index += 2) {
      at += pairs[index] / 10;
      found.push([at, pairs[index + 1]]);
    }
    return found;
  };
  const HIGH = 230;
  const drawView = (card, data, view) => {
    const svg = card.querySelector(':scope > svg');
    svg.replaceChildren();
    const drawn = view.series.filter(({ name }) => name !== 'optimum').map(({ name }) => name);
    const names = drawn.slice(0, 3);
    const shown = (name) => name === 'optimum' || names.includes(name);
    const end = Math.max(...view.series.filter(({ name }) => shown(name)).map(({ asked }) => points(asked).at(-1)[0]));
    const x = linear(0, end, 12);
    const { levels } = data;
    const [low, high] = [levels[0] / 2, levels.at(-1) * 2];
    const top = { left: 62, top: 10, width: 1084, height: HIGH };
    const bottom = { left: 62, top: 10 + HIGH + 14, width: 1084, height: 90 };
    const above = frame(svg, top, x, byRatio(low, high, levels), { y: 'kbit/s (by ratio)' });
    const rates = data.rates.flatMap((rate, index) => [[index * data.step, rate], [(index + 1) * data.step, rate]]).filter(([at]) => at <= end + data.step);
    const drawing = above.inside;
    const area = rates.map(([at, rate]) => [above.x(at), above.y(Math.min(high, Math.max(low, rate)))]);
    const shape = make(drawing, 'path', { class: 'rate', d: `${path([[above.x(0), top.top + HIGH], ...area, [area.at(-1)[0], top.top + HIGH]])}Z` });
    make(shape, 'title', {}, 'rate of the network');
    const below = frame(svg, bottom, x, linear(0, view.buffer, 3), { x: 'time from the first request, s', y: 'buffer, s' });
    const buffers = below.inside;
    for (const series of inOrder(view.series, drawn)) {
      const asked = points(series.asked);
      const line = asked.flatMap(([at, level], index) => (index ? [[above.x(at), above.y(levels[asked[index - 1][1]])], [above.x(at), above.y(levels[level])]] : [[above.x(at), above.y(levels[level])]]));
      curve(drawing, series.name, drawn, line);
      for (const [at, level] of points(series.again)) {
        const dot = make(drawing, 'circle', { class: 'series', 'data-rule': series.name, cx: above.x(at), cy: above.y(levels[level]), r: 2.4, style: `fill:${style(series.name, drawn).stroke}` });
        make(dot, 'title', {}, `${series.name}: fetched again`);
      }
      curve(buffers, series.name, drawn, points(series.buffer).map(([at, tenths]) => [below.x(at), below.y(tenths / 10)]));
    }
    const entries = inOrder(view.series, drawn).reverse().map((series) => ({
      name: series.name,
      told: `${number(series.kbps)} kbit/s, stall ${number(series.stall)} s, Q1 ${number(series.q1)}, QoE_lin ${number(series.lin)}, sabre ${number(series.sabre)}`,
      off: !shown(series.name),
    }));
    legend(card, card.querySelector('.legend'), entries, drawn);
  };
  const drawTrace = (card) => {
    const data = JSON.parse(card.querySelector('script').textContent);
    const views = card.querySelector('.views');
    data.views.forEach((view, index) => {
      const label = html(views, 'label');
      const choice = html(label, 'input', { type: 'radio', name: `view-${card.id}`, checked: index === 0 });
      label.append(` ${view.name}`);
      choice.addEventListener('change', () => drawView(card, data, view));
    });
    drawView(card, data, data.views[0]);
  };

  // Drawn when it comes near.
  const draw = (card) => {
    if (card.dataset.drawn) return;
    card.dataset.drawn = 'yes';
    if (card.classList.contains('trace')) drawTrace(card);
    else drawMatch(card);
  };
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) draw(target);
  }, { rootMargin: '600px' });
  for (const card of document.querySelectorAll('.card:has(script)')) near.observe(card);
  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target?.closest('details');
    if (folded) folded.open = true;
    target?.scrollIntoView();
  };
  addEventListener('hashchange', open);
  open();
})();
