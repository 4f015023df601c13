// What is drawn of a run.
import { element, folded, heatMaps, lineChart, scatterChart, short, table } from './charts.js';
import { percent, whole } from './formats.js';

const steps = { x: whole, y: short }, shares = { x: whole, y: percent }, costs = { x: short, y: percent };

export function chartsOf(run) {
  const charts = [], series = Object.fromEntries(run.series.map(one => [one.name, one.points]));
  const lines = (title, names, format = steps) => {
    const found = names.filter(([name]) => series[name]?.steps.length > 0);
    if (found.length > 0) charts.push(lineChart(title, 'step', found.map(([name, shown]) => ({ name: shown, xs: series[name].steps, ys: series[name].values })), format));
  };
  if (run.candidates) searchCharts(run, charts);
  if (run.ranked) rankCharts(run, charts);
  if (run.networks) charts.push(trainedTable(run));
  lines('Loss', [['loss', 'train'], ['val_loss', 'val'], ['ema_loss', 'val, averaged weights']]);
  lines('Top-1', [['top1', 'train'], ['val_top1', 'val'], ['ema_top1', 'val, averaged weights']], shares);
  lines('Learning rate', [['learning_rate', 'learning rate']]);
  const workers = (run.workers ?? []).filter(one => one);
  if (workers.length > 0) charts.push(workersTable(workers));
  const result = resultOf(run.result);
  if (result) charts.push(result);
  charts.push(section('Options', folded(table('What the run was started with', ['option', 'value'], Object.entries(run.options), [1]), 'All options')));
  return charts;
}

function searchCharts({ candidates, front, operations }, charts) {
  const text = one => `top-1 ${percent(one.top1)}, ${short(one.flops)} FLOPs, generation ${one.generation + 1}${one.count > 1 ? `, and ${one.count - 1} like it` : ''}`;
  const dot = one => ({ x: one.flops, y: one.top1, text: text(one) });
  charts.push(scatterChart('Candidates', 'FLOPs', 'top-1', [
    { name: `${whole(candidates.count)} candidates`, dots: candidates.dots.map(dot) },
    { name: 'front: none is better at as few FLOPs', dots: candidates.front.map(dot), joined: true }], costs));
  const xs = candidates.generations.map(one => one.last);
  charts.push(lineChart('Best over generations', 'generation', [
    { name: 'best so far', xs, ys: candidates.generations.map(one => one.best) },
    { name: 'best of the generation', xs, ys: candidates.generations.map(one => one.own) },
    { name: 'mean', xs, ys: candidates.generations.map(one => one.mean) }], shares));
  const nameOf = operation => operations?.[operation] ? `${operation}: ${operations[operation]}` : `Operation ${operation}`;
  if (candidates.operations) charts.push(heatMaps('Operations by block over generations', candidates.operations.columns, candidates.operations.shares, nameOf));
  charts.push(section('The best candidates', table('By top-1 with the supernet’s weights', ['rank', 'top-1', 'FLOPs', 'generation', 'architecture'],
    candidates.best.map((one, i) => [i + 1, percent(one.top1), short(one.flops), one.generation + 1, one.architecture]), [4])));
  const members = (front ?? []).filter(one => one);
  if (members.length > 0) {
    const measures = Object.keys(members[0].costs ?? {});
    charts.push(section('The front', table('What the search has left in front.json', ['number', 'top-1', ...measures, 'architecture'],
      members.map((one, i) => [i, percent(one.top1), ...measures.map(cost => short(one.costs?.[cost])), one.architecture]), [measures.length + 2])));
  }
}

function trainedTable({ networks }) {
  return section('Networks', table('Trained networks', ['name', 'score in the search', 'top-1', 'top-5', 'architecture'],
    networks.filter(one => one).map(one => [`${one.source} ${one.number}`, percent(one.score), percent(one.top1), percent(one.top5), one.architecture]), [4]));
}

function workersTable(workers) {
  return section('Workers', table('Who shares the work', ['name', 'address', 'state', 'scored', 'a minute', 'trained', 'trains now'],
    workers.map(one => [one.name, one.address, one.state, whole(one.scored), short(one.per_minute), whole(one.trained), one.training ?? '']), [0, 1, 2, 6]));
}

function rankCharts({ ranked, result }, charts) {
  const done = ranked.filter(one => one && one.standalone != null && one.scores?.length > 0).map(one => {
    const all = [one.standalone, ...one.repeats ?? []], mean = all.reduce((sum, top1) => sum + top1, 0) / all.length;
    return {
      x: one.scores[0], y: mean, low: Math.min(...all), high: Math.max(...all),
      text: `top-1 ${percent(one.scores[0])} with the supernet’s weights, ${percent(mean)} after training; ${one.architecture}`,
    };
  });
  if (done.length > 0) {
    charts.push(scatterChart('Ranking', 'top-1 with the supernet’s weights', 'top-1 after training',
      [{ name: done.some(one => one.low < one.high) ? 'architectures; lines span repeats' : 'architectures', dots: done }], { x: percent, y: percent }));
  }
  if (!result) return;
  const names = {
    kendall_tau: 'Kendall’s tau', sparse_kendall_tau: 'sparse Kendall’s tau', spearman_rho: 'Spearman’s rho', flops_tau: 'tau of FLOPs alone',
    partial_tau: 'tau beside FLOPs', tau_within_bins: 'tau within bins of FLOPs',
  };
  const figure = value => value == null ? '–' : value.toFixed(2);
  const rows = Object.entries(names).filter(([name]) => Array.isArray(result[name])).map(([name, shown]) =>
    [shown, figure(result[name][0]), `${figure(result[name][1])} to ${figure(result[name][2])}`]);
  const regrets = (Array.isArray(result.regret) ? result.regret : []).filter(one => one).map(one => [one.top, percent(one.regret), percent(one.at_random)]);
  const verdict = `${result.verdict ?? ''}`;
  const made = section('How far the ranking can be trusted', element('p', {}, `${verdict.slice(0, 1).toUpperCase()}${verdict.slice(1).replace(/\.?$/, '.')}`),
    element('div', { class: 'maps' }, table('Figures with their intervals', ['figure', 'value', 'interval'], rows),
      regrets.length > 0 ? table('Top-1 that is missed by training the best few of the search alone', ['trained', 'missed', 'by chance'], regrets) : null));
  made.classList.remove('wide');
  charts.push(made);
}

// What result.json has besides lists, and besides what the warnings tell.
function resultOf(result) {
  const facts = Object.entries(result ?? {}).filter(([name, value]) => ['number', 'boolean'].includes(typeof value) && name !== 'left_out').map(([name, value]) => {
    const shown = typeof value === 'boolean' ? value ? 'yes' : 'no'
      : /top[15]|standard_error|by_chance|score_deviation/.test(name) ? percent(value) : Number.isInteger(value) ? whole(value) : short(value);
    return element('div', { 'data-key': name }, element('dt', {}, name.replaceAll('_', ' ').replace(/^top([15])/, 'top-$1').replace(/^flops/, 'FLOPs')), element('dd', {}, shown));
  });
  return facts.length > 0 ? section('Result', element('dl', {}, ...facts)) : null;
}

function section(title, ...content) {
  return element('section', { class: 'wide', 'data-key': title }, element('h3', {}, title), ...content);
}
