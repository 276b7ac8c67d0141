// Ids made by the page. `crypto.randomUUID` is not there when it came over plain HTTP from another machine.

/** 128 random bits in hexadecimal. */
export const newId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  )
