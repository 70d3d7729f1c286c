/** Pages about runs, each in one file. */
export { escapeHtml, htmlFacts, htmlPage, htmlPicture, htmlTable } from "./html";
export { type ChartLine, lineChart, type LineChartOptions, ticks } from "./line-chart";
export { runReport, writeRunReport } from "./run-report";
