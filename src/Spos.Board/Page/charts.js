// Charts as SVG, as wide as they are shown, and tables. Each chart has a table of its figures below, for those who do not see it.
const svgSpace = 'http://www.w3.org/2000/svg';
const height = 260, right = 14, top = 10, bottom = 42;

let width = 600;

// What is under the pointer, by the title of the chart.
const plots = new Map();

export function setWidth(pixels) {
  width = Math.max(Math.round(pixels), 260);
}

export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function shape(name, attributes = {}, ...children) {
  return fill(document.createElementNS(svgSpace, name), attributes, children);
}

// Text is always set as text: names of runs and files are other people's.
function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) if (value != null) made.setAttribute(name, value);
  made.append(...children.filter(child => child != null));
  return made;
}

export function short(value) {
  if (value == null || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1e9) return `${+(value / 1e9).toPrecision(4)}G`;
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(4)}M`;
  if (size >= 1e4) return `${+(value / 1e3).toPrecision(4)}k`;
  return size !== 0 && size < 1e-3 ? value.toExponential(2) : `${+value.toPrecision(4)}`;
}

function ticksOf(low, high, most) {
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(by => by * power).find(one => one >= rough);
  const ticks = [];
  for (let at = Math.ceil(low / step); at * step <= high + step * 1e-9 && ticks.length < 4 * most; at++) ticks.push(at * step || 0);
  return ticks;
}

function scaleOf(values, share) {
  let low = Infinity, high = -Infinity;
  for (const value of values) if (value != null) { low = Math.min(low, value); high = Math.max(high, value); }
  if (low > high) [low, high] = [0, 1];
  const margin = high > low ? (high - low) * share : Math.abs(high) * 0.05 || 1;
  return [low - margin, high + margin];
}

// A frame with axes, and what turns values into places.
function frame(title, xLabel, yLabel, xs, ys, format) {
  const [x0, x1] = scaleOf(xs, 0.015), [y0, y1] = scaleOf(ys, 0.05);
  const yTicks = ticksOf(y0, y1, 5), left = 14 + 7 * Math.max(...yTicks.map(tick => format.y(tick).length), 2);
  const x = value => left + (value - x0) / (x1 - x0) * (width - left - right);
  const y = value => height - bottom - (value - y0) / (y1 - y0) * (height - top - bottom);
  const svg = shape('svg', {
    viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'data-plot': title, 'aria-label': `${title}: ${yLabel} over ${xLabel}. A table follows.`,
  });
  for (const tick of yTicks) {
    svg.append(shape('line', { class: 'grid', x1: left, x2: width - right, y1: y(tick).toFixed(1), y2: y(tick).toFixed(1) }));
    svg.append(shape('text', { x: left - 7, y: (y(tick) + 4).toFixed(1), 'text-anchor': 'end' }, format.y(tick)));
  }
  for (const tick of ticksOf(x0, x1, Math.min(Math.floor(width / 85), 8))) {
    svg.append(shape('line', { class: 'axis', x1: x(tick).toFixed(1), x2: x(tick).toFixed(1), y1: height - bottom, y2: height - bottom + 4 }));
    svg.append(shape('text', { x: x(tick).toFixed(1), y: height - bottom + 17, 'text-anchor': 'middle' }, format.x(tick)));
  }
  svg.append(shape('line', { class: 'axis', x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }));
  svg.append(shape('text', { x: (left + width - right) / 2, y: height - 5, 'text-anchor': 'middle' }, xLabel));
  return { svg, x, y, left };
}

// The mark of a group is its own by shape, too.
function mark(kind, x, y, className, ...content) {
  const at = { class: className };
  if (kind === 1) return shape('path', { ...at, d: `M${(x - 5).toFixed(1)} ${y.toFixed(1)}l5 -5l5 5l-5 5z` }, ...content);
  return shape('circle', { ...at, cx: x.toFixed(1), cy: y.toFixed(1), r: 3.2 }, ...content);
}

function keys(groups) {
  return element('ul', { class: 'keys', 'aria-hidden': 'true' }, ...groups.map(({ name, sample }) => {
    const svg = shape('svg', { viewBox: '0 0 26 12' });
    svg.append(...sample);
    return element('li', {}, svg, name);
  }));
}

export function table(caption, heads, rows, textColumns = []) {
  const head = element('thead', {}, element('tr', {}, ...heads.map((one, i) =>
    element('th', { scope: 'col', class: i === 0 || textColumns.includes(i) ? 'text' : null }, one))));
  const body = element('tbody', {}, ...rows.map(row => element('tr', {}, ...row.map((cell, i) =>
    i === 0 ? element('th', { scope: 'row' }, `${cell}`) : element('td', { class: textColumns.includes(i) ? 'text' : null }, `${cell}`)))));
  return element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    element('table', {}, element('caption', {}, caption), head, body));
}

export function folded(content, title = 'Table') {
  return element('details', {}, element('summary', {}, title), content);
}

function figure(title, ...content) {
  return element('figure', { 'data-key': title }, element('figcaption', {}, title), ...content);
}

// So many rows that a table can be read; the first and the last are among them.
function sampled(list, most = 30) {
  return list.length <= most ? list : Array.from({ length: most }, (_, i) => list[Math.round(i * (list.length - 1) / (most - 1))]);
}

const plain = { x: short, y: short };

// Lines: [{ name, xs, ys }], where a y that is null is a gap.
export function lineChart(title, xLabel, lines, format = plain) {
  const { svg, x, y } = frame(title, xLabel, lines.map(one => one.name).join(', '), lines.flatMap(one => one.xs), lines.flatMap(one => one.ys), format);
  const shown = [];
  lines.forEach((line, i) => {
    let path = '', isDrawn = false, points = 0, way = 0;
    line.xs.forEach((at, point) => {
      if (line.ys[point] == null) { isDrawn = false; return; }
      path += `${isDrawn ? 'L' : 'M'}${x(at).toFixed(1)} ${y(line.ys[point]).toFixed(1)}`;
      if (isDrawn) way += Math.abs(y(line.ys[point]) - y(line.ys[point - 1]));
      isDrawn = true;
      points++;
    });
    // What goes up and down at every step would be a broad band.
    svg.append(shape('path', { class: `line c${i}${way > 5 * height ? ' dense' : ''}`, d: path }));
    // A point alone is no line.
    if (points === 1) {
      const point = line.ys.findIndex(value => value != null);
      svg.append(mark(0, x(line.xs[point]), y(line.ys[point]), `mark c${i}`));
    }
    shown.push({ x, ...line });
  });
  plots.set(title, { lines: shown, xLabel, format });
  const sample = i => [shape('path', { class: `line c${i}`, d: 'M0 6H26' })];
  const rows = lines.flatMap(line => sampled(line.xs.map((at, i) => [format.x(at), line.name, format.y(line.ys[i])])));
  return figure(title, lines.length > 1 ? keys(lines.map((one, i) => ({ name: one.name, sample: sample(i) }))) : null,
    element('div', { class: 'plot' }, svg), folded(table(title, [xLabel, 'what', 'value'], rows, [1])));
}

// Groups: [{ name, dots: [{ x, y, low, high, text }], joined }]; low and high are the ends of an interval.
export function scatterChart(title, xLabel, yLabel, groups, format = plain) {
  const dots = groups.flatMap(one => one.dots);
  const { svg, x, y } = frame(title, xLabel, yLabel, dots.map(one => one.x), dots.flatMap(one => [one.y, one.low, one.high]), format);
  groups.forEach((group, i) => {
    if (group.joined && group.dots.length > 1) {
      svg.append(shape('path', { class: `line solid c${i}`, d: group.dots.map((dot, at) => `${at ? 'L' : 'M'}${x(dot.x).toFixed(1)} ${y(dot.y).toFixed(1)}`).join('') }));
    }
    const isFew = group.joined || group.dots.length <= 50;
    for (const dot of group.dots) {
      if (dot.low != null) svg.append(shape('line', { class: `c${i}`, x1: x(dot.x).toFixed(1), x2: x(dot.x).toFixed(1), y1: y(dot.low).toFixed(1), y2: y(dot.high).toFixed(1) }));
      svg.append(mark(i, x(dot.x), y(dot.y), `${isFew ? 'mark' : 'dot'} c${i}`, shape('title', {}, dot.text ?? `${format.x(dot.x)}, ${format.y(dot.y)}`)));
    }
  });
  const rows = groups.flatMap(group => sampled(group.dots).map(dot => [format.x(dot.x), group.name, format.y(dot.y)]));
  const sample = i => [groups[i].joined ? shape('path', { class: `line solid c${i}`, d: 'M0 6H26' }) : null, mark(i, 13, 6, `mark c${i}`)].filter(one => one);
  return figure(title, element('p', { class: 'note' }, `${yLabel} over ${xLabel}`), keys(groups.map((one, i) => ({ name: one.name, sample: sample(i) }))),
    element('div', { class: 'plot' }, svg), folded(table(title, [xLabel, 'what', yLabel], rows, [1])));
}

// Shares by operation, block and column: a table for each operation, whose cells are coloured.
export function heatMaps(title, columns, shares, nameOf) {
  // Of many columns some have a name, or they would be wider than what they name.
  const each = Math.ceil(columns.length / 10);
  const maps = shares.map((blocks, operation) => element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': nameOf(operation) },
    element('table', { class: 'heat' }, element('caption', {}, nameOf(operation)),
      element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, 'block'), ...columns.map((one, i) =>
        element('th', { scope: 'col' }, i % each === 0 ? one.split(' ')[0] : element('span', { class: 'unseen' }, one))))),
      element('tbody', {}, ...blocks.map((row, block) => element('tr', {}, element('th', { scope: 'row' }, `${block}`), ...row.map(share => {
        const percent = Math.round(share * 100);
        // The number is there for screen readers, and for the pointer that rests on it.
        const cell = element('td', { title: `${percent}%`, 'aria-label': `${percent}%` });
        cell.style.background = `color-mix(in srgb, var(--accent) ${percent}%, var(--sunk))`;
        return cell;
      })))))));
  const made = figure(title,
    element('p', { class: 'note' }, 'How many candidates of a generation (columns) have the operation in a block (rows): 0%',
      element('span', { class: 'scale', 'aria-hidden': 'true' }), '100%'),
    element('div', { class: 'maps' }, ...maps));
  made.classList.add('wide');
  return made;
}

// The values under the pointer; the table has them for those without one.
export function readOut(charts) {
  let shown = null;
  const hide = () => {
    shown?.forEach(one => one.remove());
    shown = null;
  };
  charts.addEventListener('pointerleave', hide);
  charts.addEventListener('pointermove', event => {
    const svg = event.target.closest?.('svg[data-plot]'), plot = svg && plots.get(svg.dataset.plot);
    hide();
    if (!plot) return;
    const box = svg.getBoundingClientRect(), place = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    const nearest = plot.lines.map(line => {
      let best = 0;
      line.xs.forEach((at, i) => { if (Math.abs(line.x(at) - place) < Math.abs(line.x(line.xs[best]) - place)) best = i; });
      return { name: line.name, at: line.xs[best], place: line.x(line.xs[best]), value: line.ys[best] };
    });
    const first = nearest.reduce((a, b) => Math.abs(b.place - place) < Math.abs(a.place - place) ? b : a);
    const cursor = shape('line', { class: 'cursor', x1: first.place, x2: first.place, y1: top, y2: height - bottom });
    const text = element('div', { class: 'readout', 'aria-hidden': 'true' },
      [`${plot.xLabel} ${first.at.toLocaleString('en')}`, ...nearest.map(one => `${one.name}: ${plot.format.y(one.value)}`)].join('\n'));
    text.style[first.place > svg.viewBox.baseVal.width / 2 ? 'left' : 'right'] = '1rem';
    svg.append(cursor);
    svg.parentNode.append(text);
    shown = [cursor, text];
  });
}
