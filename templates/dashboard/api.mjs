/** What the page asks its server. */

async function ask(path, options) {
  const answer = await fetch(path, options);
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error ?? `${path}: ${answer.status}`);
  return answer;
}

const post = async (path, body, method = "POST") =>
  (await ask(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) })).json();
const query = (values) => new URLSearchParams(values).toString();

export const api = {
  runs: async () => (await ask("/api/runs")).json(),
  metrics: (runs) => post("/api/metrics", { runs }),
  charts: (request) => post("/api/charts", request),
  config: async (run) => (await ask(`/api/config?${query({ run })}`)).json(),
  log: async (run) => (await ask(`/api/log?${query({ run })}`)).text(),
  pictures: async (run) => (await ask(`/api/pictures?${query({ run })}`)).json(),
  pictureUrl: (run, file) => `/api/picture?${query({ run, file })}`,
  reportUrl: (run) => `/api/report?${query({ run })}`,
  sweep: async (sweep) => (await ask(`/api/sweep?${query({ sweep })}`)).json(),
  star: (run, starred) => post("/api/star", { run, starred }, "PUT"),
};
