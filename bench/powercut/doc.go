// Package powercut is a file system that forgets what was not fsynced, and a lab that cuts the power under Sever with it.
//
// A Disk keeps two states: what was written, which every program sees, and what is durable. Cut ends it: from then on every
// call gets EIO, and what Cut gives back is the disk as the machine finds it when the power comes back.
//
// What makes a thing durable:
//
//   - The bytes and the size of a file: fsync or fdatasync of it, and every write through a descriptor opened with O_SYNC or
//     O_DSYNC. close(2) and sync(2) make nothing durable.
//   - A name (create, rename, remove) depends on the disk's Promise. With Strict, only an fsync of the folder that holds it:
//     that is all POSIX promises. With Ext4, any fsync commits the journal, and with it all names so far, in their order:
//     that is how a journal shared by all folders behaves, as ext4 has one. It is a model; no real disk was cut to check it.
//
// A rename is one step: after a cut there is the old name or the new, never both or neither, unless it went from one folder
// to another under Strict. File modes are durable at once, and so are times, which a real disk would lose; nobody is known
// to depend on that. ext4's special care for a file renamed over another (auto_da_alloc) is left out: such a file is empty
// after a cut unless it was fsynced.
package powercut
