// The page of spos board: a list of runs, and the run that is chosen, kept up to date by the server's events.
import { element, heatMaps, lineChart, scatterChart, short, table } from './charts.js';

const byId = id => document.getElementById(id);
const percent = value => value == null ? '–' : `${+(value * 100).toFixed(1)}%`;
const shares = { x: short, y: percent };
let token = '', chosen = null, mayStop = false, stream = null, known = [];

function readAddress() {
  const parts = new URLSearchParams(location.hash.slice(1));
  token = parts.get('token') ?? sessionStorage.getItem('token') ?? '';
  if (token) sessionStorage.setItem('token', token);
  chosen = parts.get('run');
}

function addressOf(run) {
  const parts = new URLSearchParams({ run });
  if (token) parts.set('token', token);
  return `#${parts}`;
}

function ask(path, options = {}) {
  return fetch(path, { ...options, headers: token ? { Authorization: `Bearer ${token}` } : {} });
}

const query = path => `?path=${encodeURIComponent(path)}`;
const nameOf = run => run.path || '(this folder)';
const stateOf = run => ({ Running: 'running', Finished: 'finished', Stopped: 'not running, and without a result: stopped, killed or failed' })[run.state];

function duration(seconds) {
  if (seconds == null) return '–';
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(seconds)} s`;
}

const shareOf = run => run.state === 'Finished' ? 1 : run.total ? Math.min(run.done / run.total, 1) : null;

function showRuns(runs) {
  known = runs;
  const focused = document.activeElement?.dataset?.run;
  byId('runs').replaceChildren(...runs.map(run => {
    const share = shareOf(run);
    const link = element('a', { href: addressOf(run.path), 'data-run': run.path, 'aria-current': run.path === chosen ? 'true' : null },
      element('span', { class: 'name' }, nameOf(run)),
      element('small', {}, `${run.command}, `, element('span', { class: run.state }, run.state.toLowerCase()), share != null && share < 1 ? ` ${Math.floor(share * 100)}%` : ''),
      run.figure ? element('small', {}, run.figure) : null);
    if (run.path === focused) queueMicrotask(() => link.focus());
    return element('li', {}, link);
  }));
  if (chosen == null && runs.length > 0) {
    chosen = (runs.find(run => run.state === 'Running') ?? runs[0]).path;
    choose();
    return;
  }
  const run = runs.find(one => one.path === chosen);
  byId('nothing').textContent = runs.length === 0 ? 'There is no run in this folder yet. It will appear here.' : 'There is no such run.';
  byId('nothing').hidden = run != null;
  byId('run').hidden = run == null;
  if (run) showHeader(run);
}

function setText(node, text) {
  // Screen readers tell what changes; what stays is left alone.
  if (node.textContent !== text) node.textContent = text;
}

function showHeader(run) {
  setText(byId('title'), `${nameOf(run)}: ${run.title}`);
  setText(byId('state'), `The run is ${stateOf(run)}.`);
  byId('state').className = run.state;
  const share = shareOf(run);
  if (share == null) byId('progress').removeAttribute('value'); else byId('progress').value = share;
  byId('progress').hidden = share == null && run.state !== 'Running';
  const facts = [
    [run.unit, run.total ? `${run.done.toLocaleString('en')} of ${run.total.toLocaleString('en')}` : run.done.toLocaleString('en')],
    run.epoch ? ['epoch', run.epochs ? `${run.epoch} of ${run.epochs}` : `${run.epoch}`] : null,
    run.state === 'Running' ? ['rate', run.perSecond == null ? 'not seen yet' : `${short(run.perSecond)} ${run.unit}/s`] : null,
    run.state === 'Running' ? ['remaining', duration(run.secondsLeft)] : null,
    run.figure ? ['newest', run.figure] : null,
    run.device ? ['device', run.device] : null,
    run.started ? ['started', new Date(run.started).toLocaleString()] : null,
    ['last written', new Date(run.written).toLocaleString()],
  ].filter(one => one);
  byId('facts').replaceChildren(...facts.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))));
  byId('stop').hidden = run.state !== 'Running';
  byId('stop').disabled = !mayStop;
  if (run.state !== 'Running') setText(byId('answer'), '');
  else if (!mayStop) setText(byId('answer'), 'To stop runs, open the address that spos board has printed: it has the token.');
  byId('warnings').hidden = run.warnings.length === 0;
  byId('warnings').querySelector('ul').replaceChildren(...run.warnings.map(text => element('li', {}, text)));
}

function chartsOf(run) {
  const charts = [], series = Object.fromEntries(run.series.map(one => [one.name, one.points]));
  const lines = (title, names, format) => {
    const found = names.filter(([name]) => series[name]?.steps.length > 0);
    if (found.length > 0) charts.push(lineChart(title, 'step', found.map(([name, shown]) => ({ name: shown, xs: series[name].steps, ys: series[name].values })), format));
  };
  lines('Loss', [['loss', 'train'], ['val_loss', 'val'], ['ema_loss', 'val, averaged weights']]);
  lines('Top-1', [['top1', 'train'], ['val_top1', 'val'], ['ema_top1', 'val, averaged weights']], shares);
  lines('Learning rate', [['learning_rate', 'learning rate']]);
  if (run.candidates) searchCharts(run, charts);
  if (run.networks) charts.push(trainedTable(run));
  if (run.ranked) rankCharts(run, charts);
  return charts;
}

function searchCharts({ candidates, front }, charts) {
  const text = one => `top-1 ${percent(one.top1)}, ${short(one.flops)} FLOPs, generation ${one.generation + 1}${one.count > 1 ? `, and ${one.count - 1} like it` : ''}`;
  const dot = one => ({ x: one.flops, y: one.top1, text: text(one) });
  charts.push(scatterChart('Candidates', 'FLOPs', 'top-1', [
    { name: `candidates (${candidates.count.toLocaleString('en')})`, dots: candidates.dots.map(dot) },
    { name: 'front over FLOPs', dots: candidates.front.map(dot), joined: true }], shares));
  const xs = candidates.generations.map(one => one.last);
  charts.push(lineChart('Best over generations', 'generation', [
    { name: 'best so far', xs, ys: candidates.generations.map(one => one.best) },
    { name: 'best of the generation', xs, ys: candidates.generations.map(one => one.own) },
    { name: 'mean', xs, ys: candidates.generations.map(one => one.mean) }], shares));
  if (candidates.operations) charts.push(heatMaps('Operations by block over generations', candidates.operations.columns, candidates.operations.shares));
  charts.push(section('The best candidates', table('By top-1 with the supernet’s weights', ['rank', 'top-1', 'FLOPs', 'generation', 'architecture'],
    candidates.best.map((one, i) => [i + 1, percent(one.top1), short(one.flops), one.generation + 1, one.architecture]), [4])));
  const members = (front ?? []).filter(one => one);
  if (members.length > 0) {
    const costs = Object.keys(members[0].costs ?? {});
    charts.push(section('The front', table('What the search has left in front.json', ['number', 'top-1', ...costs, 'architecture'],
      members.map((one, i) => [i, percent(one.top1), ...costs.map(cost => short(one.costs?.[cost])), one.architecture]), [costs.length + 2])));
  }
}

function trainedTable({ networks }) {
  return section('Networks', table('Trained networks', ['name', 'score in the search', 'top-1', 'top-5', 'architecture'],
    networks.filter(one => one).map(one => [`${one.source} ${one.number}`, percent(one.score), percent(one.top1), percent(one.top5), one.architecture]), [4]));
}

function rankCharts({ ranked, result }, charts) {
  const done = ranked.filter(one => one && one.standalone != null && one.scores?.length > 0).map(one => {
    const all = [one.standalone, ...one.repeats ?? []];
    return { x: one.scores[0], y: all.reduce((sum, top1) => sum + top1, 0) / all.length, low: Math.min(...all), high: Math.max(...all), text: one.architecture };
  });
  if (done.length > 0) charts.push(scatterChart('Ranking', 'top-1 with the supernet’s weights', 'top-1 after training', [{ name: 'architectures; lines span repeats', dots: done }], { x: percent, y: percent }));
  if (!result) return;
  const names = { kendall_tau: 'Kendall’s tau', sparse_kendall_tau: 'sparse Kendall’s tau', spearman_rho: 'Spearman’s rho', flops_tau: 'tau of FLOPs alone', partial_tau: 'tau beside FLOPs', tau_within_bins: 'tau within bins of FLOPs' };
  const rows = Object.entries(names).filter(([name]) => Array.isArray(result[name])).map(([name, shown]) => [shown, ...result[name].map(short)]);
  charts.push(section('How far the ranking can be trusted', element('p', {}, result.verdict ?? ''),
    table('Figures with their intervals', ['figure', 'value', 'from', 'to'], rows)));
}

function section(title, ...content) {
  return element('section', { class: 'wide' }, element('h3', {}, title), ...content);
}

let isLoading = false, isStale = false;
async function load() {
  // One request at a time; what changes meanwhile is asked for after it.
  if (isLoading) { isStale = true; return; }
  isLoading = true;
  const path = chosen;
  try {
    const answer = await ask(`api/run${query(path)}`);
    if (answer.ok && path === chosen) showRun(await answer.json());
  } catch {
    // The events' connection says so.
  } finally {
    isLoading = false;
    if (isStale || path !== chosen) { isStale = false; setTimeout(load, 500); }
  }
}

function showRun(run) {
  showHeader(run.header);
  byId('resume').hidden = run.resume == null || run.header.state !== 'Stopped';
  if (run.resume != null) setText(byId('resume').querySelector('pre'), run.resume);
  const open = new Set([...byId('charts').querySelectorAll('details[open]')].map(one => one.closest('figure').querySelector('figcaption').textContent));
  const charts = chartsOf(run);
  for (const chart of charts) {
    if (open.has(chart.querySelector('figcaption')?.textContent)) chart.querySelector('details')?.setAttribute('open', '');
  }
  byId('charts').replaceChildren(...charts);
}

// Events by fetch: unlike EventSource it can send the token in a header, where no log or history keeps it.
async function follow() {
  stream?.abort();
  const own = stream = new AbortController();
  while (own === stream) {
    try {
      const answer = await ask(`api/events${chosen == null ? '' : query(chosen)}`, { signal: own.signal });
      if (!answer.ok) {
        setText(byId('connection'), (await answer.json().catch(() => null))?.error ?? 'The board is busy.');
        if (answer.status === 401) return;
        throw new Error();
      }
      setText(byId('connection'), 'live');
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const parts = (text + value).split('\n\n');
        text = parts.pop();
        for (const part of parts) take(Object.fromEntries(part.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])));
      }
    } catch {
      if (own.signal.aborted) return;
    }
    setText(byId('connection'), 'The board does not answer. Trying again …');
    await new Promise(done => setTimeout(done, 2000));
  }
}

function take(event) {
  if (event.event === 'runs') showRuns(JSON.parse(event.data));
  else if (event.event === 'run') load();
}

function choose() {
  byId('charts').replaceChildren();
  setText(byId('answer'), '');
  showRuns(known);
  follow();
}

byId('stop').addEventListener('click', async () => {
  const run = chosen;
  setText(byId('answer'), 'Asking …');
  const answer = await ask(`api/stop${query(run)}`, { method: 'POST' }).catch(() => null);
  const said = await answer?.json().catch(() => null);
  setText(byId('answer'), answer?.ok ? 'The run was asked to stop. It saves what was done, and ends.' : said?.error ?? 'The board does not answer.');
});

byId('copy').addEventListener('click', async () => {
  const command = byId('resume').querySelector('pre');
  try {
    await navigator.clipboard.writeText(command.textContent);
  } catch {
    // Browsers refuse where a page is not of this machine or encrypted: then it can be copied by hand.
    getSelection().selectAllChildren(command);
  }
});

addEventListener('hashchange', () => {
  readAddress();
  choose();
  byId('details').focus();
});

readAddress();
const overview = await ask('api/runs').then(answer => answer.ok ? answer.json() : null).catch(() => null);
mayStop = token !== '' && await ask('api/token', { method: 'POST' }).then(answer => answer.ok).catch(() => false);
setText(byId('folder'), overview?.root ?? '');
byId('cut').hidden = !overview?.cut;
follow();
