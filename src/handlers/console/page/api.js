// The console's API. The token is kept for as long as the tab is open.

import { text } from "./texts.js";

const KEPT = "flexus-console-token";
let token = sessionStorage.getItem(KEPT);

export const hasToken = () => token !== null;
export const setToken = (value) => {
  token = value;
  if (value === null) sessionStorage.removeItem(KEPT);
  else sessionStorage.setItem(KEPT, value);
};

/// An answer that says no. `problem` is the API's own account of it (RFC 9457), if there was one.
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? (status === 0 ? text("no_answer") : `HTTP ${status}`));
    this.status = status;
    this.pointer = problem?.pointer ?? null;
  }
}

const PATIENCE_MS = 60_000;

export const call = async (method, path, body) => {
  let response;
  try {
    response = await fetch(`api/${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, ...(body ? { "Content-Type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new ApiError(0, null);
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok || answer === null) throw new ApiError(response.ok ? 502 : response.status, answer);
  return answer;
};

const group = (name) => `groups/${encodeURIComponent(name)}`;

export const api = {
  // Every page of the list: a console shows all groups that there are.
  groups: async () => {
    const first = await call("GET", "groups?limit=200");
    for (let next = first.next; next; ) {
      const page = await call("GET", `groups?limit=200&after=${encodeURIComponent(next)}`);
      first.groups.push(...page.groups);
      next = page.next;
    }
    return first;
  },
  group: (name) => call("GET", group(name)),
  cost: (name) => call("GET", `${group(name)}/cost`),
  series: (name, since, until) => call("GET", `${group(name)}/series?since=${since}&until=${until}`),
  decisions: (name, before) => call("GET", `${group(name)}/decisions?limit=60${before ? `&before=${encodeURIComponent(before)}` : ""}`),
  // Null where the console knows of no versions, or cannot tell: the rest is worth seeing all the same.
  policies: (name) => call("GET", `${group(name)}/policies`).catch((error) => { if (error.status === 401) throw error; return null; }),
  policy: (name, version) => call("GET", `${group(name)}/policies/${encodeURIComponent(version)}`),
  orderPolicy: (name, version, order, who, why) => call("POST", `${group(name)}/policies/${encodeURIComponent(version)}/${order}`, { who, why }),
  spot: (name) => call("GET", `${group(name)}/spot`),
  alternatives: (id) => call("GET", `decisions/${encodeURIComponent(id)}/alternatives`),
  decision: (id) => call("GET", `decisions/${encodeURIComponent(id)}`),
  // Hands the evaluation over. Its decision is the one that names the request.
  evaluate: (name, dryRun) => call("POST", `${group(name)}/evaluate?dry_run=${dryRun}`),
  hold: (name, hold) => call("PUT", `${group(name)}/hold`, hold),
  lift: (name, who) => call("DELETE", `${group(name)}/hold?who=${encodeURIComponent(who)}`),
};
