/** Reads one file of a group; empty when it is not there. */
export type ReadFile = (controller: string, name: string) => string;

export interface GroupFiles {
  readonly read: ReadFile;
  /** Page sizes that the hugetlb controller has files for, as they are spelled there: "2MB". */
  readonly pageSizes: readonly string[];
}
