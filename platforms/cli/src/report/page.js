'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const tip = document.getElementById('tip');
  const readout = document.getElementById('readout');
  const plots = [...document.querySelectorAll('[data-plot]')];
  const crosses = plots.map((plot) => {
    const cross = document.createElement('div');
    cross.className = 'cross';
    plot.append(cross);
    return cross;
  });

  // Reasons on hover and on focus. Everything from outside goes through textContent.
  const point = (element) => {
    const [head, ...reasons] = JSON.parse(element.dataset.tip);
    tip.replaceChildren();
    const title = document.createElement('b');
    title.textContent = head;
    tip.append(title);
    if (reasons.length) {
      const list = document.createElement('ul');
      for (const reason of reasons) {
        const item = document.createElement('li');
        item.textContent = reason;
        list.append(item);
      }
      tip.append(list);
    }
    tip.style.display = 'block';
    const at = element.getBoundingClientRect();
    const left = Math.min(Math.max(12, at.left + at.width / 2 - tip.offsetWidth / 2), innerWidth - tip.offsetWidth - 12);
    const above = at.top - tip.offsetHeight - 6;
    tip.style.left = left + 'px';
    tip.style.top = (above > 8 ? above : at.bottom + 6) + 'px';
  };
  const hide = () => { tip.style.display = 'none'; };
  for (const element of document.querySelectorAll('[data-tip]')) {
    element.removeAttribute('title');
    element.addEventListener('pointerenter', () => point(element));
    element.addEventListener('pointerleave', hide);
    element.addEventListener('focus', () => point(element));
    element.addEventListener('blur', hide);
  }
  addEventListener('scroll', hide, { passive: true });

  // One tab stop per group of dots; arrow keys walk in it.
  for (const group of document.querySelectorAll('[data-roving]')) {
    const stops = [...group.querySelectorAll('button')];
    group.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, Home: -1e9, End: 1e9 }[event.key];
      const from = stops.indexOf(document.activeElement);
      if (!step || from < 0) return;
      event.preventDefault();
      const to = stops[Math.min(stops.length - 1, Math.max(0, from + step))];
      stops[from].tabIndex = -1;
      to.tabIndex = 0;
      to.focus();
      if (event.key === 'Escape') hide();
    });
  }

  // One crosshair through all plots, and what holds there.
  const holds = (points, t) => {
    let low = 0, high = points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle][0] <= t) low = middle + 1; else high = middle;
    }
    return low ? points[low - 1][1] : null;
  };
  const bits = (value) => value >= 1e6 ? (value / 1e6).toFixed(2) + ' Mbit/s' : (value / 1e3).toFixed(0) + ' kbit/s';
  const shown = { s: (value) => value.toFixed(1) + ' s', bps: bits, text: String };
  const idle = readout.innerHTML;
  const show = (share) => {
    const t = share * data.t_max;
    for (const cross of crosses) { cross.style.left = share * 100 + '%'; cross.style.display = 'block'; }
    readout.replaceChildren();
    const add = (name, text) => {
      const span = document.createElement('span');
      const value = document.createElement('b');
      value.textContent = text;
      span.append(name + ' ', value);
      readout.append(span);
    };
    add('at', t.toFixed(1) + ' s');
    for (const series of data.series) {
      const value = holds(series.points, t);
      if (value !== null) add(series.name, shown[series.unit](value));
    }
  };
  const leave = () => {
    for (const cross of crosses) cross.style.display = 'none';
    readout.innerHTML = idle;
  };
  for (const plot of plots) {
    plot.addEventListener('pointermove', (event) => {
      const box = plot.getBoundingClientRect();
      show(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
    });
    plot.addEventListener('pointerleave', leave);
  }

  // Decisions by kind.
  const chips = [...document.querySelectorAll('[data-filter]')];
  for (const chip of chips) {
    chip.addEventListener('click', () => {
      for (const other of chips) other.setAttribute('aria-pressed', String(other === chip));
      for (const row of document.querySelectorAll('#decisions [data-kind]')) {
        row.hidden = chip.dataset.filter !== '' && row.dataset.kind !== chip.dataset.filter;
      }
    });
  }
})();
