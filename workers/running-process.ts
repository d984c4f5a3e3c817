/** Whether a process with this id runs on this machine. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: somebody else's process has the number.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
