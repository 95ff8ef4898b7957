/** Reads one file of a cgroup; empty when the file does not exist. */
export type ReadFile = (controller: string, name: string) => string;

export interface GroupFiles {
  readonly read: ReadFile;
  /** Page sizes of the hugetlb controller, as in its file names: "2MB". */
  readonly pageSizes: readonly string[];
}
