import { describe, expect, it } from "vitest";
import { isLoopback, readConnectionUrl } from "./connection-url.ts";

describe("readConnectionUrl", () => {
  it.each([
    ["postgresql://u@127.0.0.1/d", "plain"],
    ["postgresql://u@localhost/d?sslmode=prefer", "plain"],
    ["postgresql:///d?host=/run/postgresql", "plain"],
    ["postgresql://u@[::1]/d", "plain"],
    ["postgresql://u@127.0.0.1/d?sslmode=require", "encrypted"],
    ["postgresql://u@db.example.com/d", "verified"],
    ["postgresql://u@db.example.com/d?sslmode=verify-full", "verified"],
    ["postgresql://u@db.example.com/d?sslmode=verify-ca", "chain"],
    ["postgresql://u@db.example.com/d?sslmode=prefer", "encrypted"],
    ["postgresql://u@db.example.com/d?sslmode=require", "encrypted"],
    ["postgresql://u@db.example.com/d?sslmode=disable", "plain"],
    ["postgresql://u@127.0.0.1.example.com/d", "verified"],
  ])("%s is %s", (url, expected) => {
    const { ssl } = readConnectionUrl(url);
    if (ssl === false || ssl === undefined || ssl === true) expect("plain").toBe(expected);
    else if (ssl.rejectUnauthorized === false) expect("encrypted").toBe(expected);
    else {
      const ignoresName =
        ssl.checkServerIdentity?.("other.example", { subject: { CN: "x" } } as never) === undefined;
      expect(ignoresName ? "chain" : "verified").toBe(expected);
    }
  });

  it("decodes user, password and database", () => {
    expect(
      readConnectionUrl("postgres://j%C3%BCrgen:p%40ss%2Fword@h.example:6000/my%20db?sslmode=disable"),
    ).toEqual({
      host: "h.example",
      port: 6000,
      user: "jürgen",
      password: "p@ss/word",
      database: "my db",
      ssl: false,
    });
  });

  it.each([
    "",
    "db",
    "mysql://u@h/d",
    "postgresql://u:secret@h/d?sslmode=maybe",
    "postgresql://u:secret@h/d?sslmode=require&sslrootcert=/none",
  ])("refuses %j without repeating its password", (url) => {
    let message = "";
    try {
      readConnectionUrl(url);
    } catch (error) {
      message = String(error);
      expect(error).toMatchObject({ code: "config_invalid" });
    }
    expect(message).toContain("DATABASE_URL");
    expect(message).not.toContain("secret");
  });
});

it("tells loopback from other hosts", () => {
  expect(["127.8.9.1", "::1", "", "/tmp", "localhost"].every(isLoopback)).toBe(true);
  expect(["10.0.0.1", "128.0.0.1", "localhost.example", "::2"].some(isLoopback)).toBe(false);
});
