// The descendants of this process.
#ifndef MILLRACE_TREE_H
#define MILLRACE_TREE_H

// Sends the signal to every descendant that the walk finds: all of them, unless they fork or end meanwhile. No process
// outside the tree is ever hit.
void signal_descendants(int signal);

#endif
