// Uses the client that openapi-typescript and openapi-fetch make of openapi.yaml.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.ts";

type Lead = components["schemas"]["Lead"];

const { KONEKTOR_BASE_URL, KONEKTOR_API_KEY, KONEKTOR_LEAD_ID } = process.env;
const konektor = createClient<paths>({
  baseUrl: KONEKTOR_BASE_URL!,
  headers: { Authorization: `Bearer ${KONEKTOR_API_KEY}` },
});

// Only firstName is required.
const created = await konektor.POST("/leads", {
  body: { firstName: "Siti", phone: "+62 857-1111-2222" },
});
assert(created.data, created.error?.error.message);
const lead: Lead = created.data.data;
assert.equal(lead.status, "new");
assert.equal(lead.email, null);

const listed = await konektor.GET("/leads", {
  params: { query: { status: "new", limit: 10, sortBy: "createdAt" } },
});
assert(listed.data, listed.error?.error.message);
assert(listed.data.data.some(({ id }) => id === lead.id));

const updated = await konektor.PATCH("/leads/{id}", {
  params: { path: { id: lead.uniqueCode } },
  body: { status: "qualified", phone: null },
});
assert(updated.data, updated.error?.error.message);
assert.equal(updated.data.data.status, "qualified");
assert.equal(updated.data.data.phone, null);

// A failure has another type than a success.
const refused = await konektor.POST("/leads", {
  body: { firstName: "Andi", email: "not-an-address" },
});
const answer = refused.data ?? refused.error;
if (answer.success) {
  assert.fail(`created ${answer.data.id}`);
} else {
  assert.equal(answer.error.code, "VALIDATION_ERROR");
  assert.deepEqual(Object.keys(answer.error.details ?? {}), ["email"]);
}

// The client was generated before this status existed.
const later = await konektor.GET("/leads/{id}", { params: { path: { id: KONEKTOR_LEAD_ID! } } });
assert(later.data, later.error?.error.message);
assert.equal(later.data.data.status, "hot");

export async function sendsUnknownStatus(): Promise<void> {
  // @ts-expect-error: no such status
  await konektor.GET("/leads", { params: { query: { status: "qualifed" } } });
}
