// An example program that uses the generated client. It is compiled but never run.
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

type Lead = components["schemas"]["Lead"];

const konektor = createClient<paths>({ baseUrl: "http://127.0.0.1:8080/api/v2/agent" });

export async function newLeads(): Promise<Lead[]> {
  const { data, error } = await konektor.GET("/leads", {
    params: { query: { status: "new", limit: 10, sortBy: "createdAt" } },
  });
  if (error) throw new Error(error.error.message);
  return data.data;
}

export async function qualify(id: string): Promise<string> {
  const { data, error } = await konektor.PATCH("/leads/{id}", {
    params: { path: { id } },
    body: { status: "qualified", email: null },
  });
  if (error) throw new Error(Object.keys(error.error.details ?? {}).join());
  return data.data.uniqueCode;
}

export async function refusesUnknownStatus(): Promise<void> {
  // @ts-expect-error: no such status
  await konektor.GET("/leads", { params: { query: { status: "qualifed" } } });
}
