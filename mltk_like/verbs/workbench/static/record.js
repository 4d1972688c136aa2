export function start() {}
export async function enter() {}
