package powercut

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

func (t *tree) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	n, status := t.make(in.NodeId, name, syscall.S_IFDIR|in.Mode)
	if status.Ok() {
		n.answer(out)
	}
	return status
}

func (t *tree) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	n, status := t.make(in.NodeId, name, syscall.S_IFREG|in.Mode)
	if status.Ok() {
		n.answer(&out.EntryOut)
		out.OpenFlags = fuse.FOPEN_DIRECT_IO
	}
	return status
}

func (t *tree) make(dirID uint64, name string, mode uint32) (*node, fuse.Status) {
	t.disk.mu.Lock()
	defer t.disk.mu.Unlock()
	dir, status := t.disk.dir(dirID)
	if !status.Ok() {
		return nil, status
	}
	if _, taken := dir.names[name]; taken {
		return nil, fuse.Status(syscall.EEXIST)
	}
	n := t.disk.newNode(mode)
	t.disk.setNames(change{dir: dir, name: name, node: n})
	return n, fuse.OK
}

func (t *tree) Unlink(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return t.remove(in.NodeId, name)
}

func (t *tree) Rmdir(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return t.remove(in.NodeId, name)
}

// remove leaves it to the kernel to tell files from folders.
func (t *tree) remove(dirID uint64, name string) fuse.Status {
	t.disk.mu.Lock()
	defer t.disk.mu.Unlock()
	dir, status := t.disk.dir(dirID)
	if !status.Ok() {
		return status
	}
	n, found := dir.names[name]
	if !found {
		return fuse.ENOENT
	}
	if len(n.names) > 0 {
		return fuse.Status(syscall.ENOTEMPTY)
	}
	t.disk.setNames(change{dir: dir, name: name})
	return fuse.OK
}

func (t *tree) Rename(_ <-chan struct{}, in *fuse.RenameIn, oldName, newName string) fuse.Status {
	t.disk.mu.Lock()
	defer t.disk.mu.Unlock()
	from, status := t.disk.dir(in.NodeId)
	if !status.Ok() {
		return status
	}
	to, status := t.disk.dir(in.Newdir)
	if !status.Ok() {
		return status
	}
	n, found := from.names[oldName]
	if !found {
		return fuse.ENOENT
	}
	if in.Flags != 0 { // to exchange two, or not to replace
		return fuse.EINVAL
	}
	if replaced, exists := to.names[newName]; exists && len(replaced.names) > 0 {
		return fuse.Status(syscall.ENOTEMPTY)
	}
	t.disk.setNames(change{dir: to, name: newName, node: n}, change{dir: from, name: oldName})
	return fuse.OK
}

func (t *tree) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	t.disk.mu.Lock()
	defer t.disk.mu.Unlock()
	dir, status := t.disk.dir(in.NodeId)
	if !status.Ok() {
		return status
	}
	listing := make([]fuse.DirEntry, 0, len(dir.names))
	for name, n := range dir.names {
		listing = append(listing, fuse.DirEntry{Name: name, Ino: n.id, Mode: n.mode, Off: uint64(len(listing)) + 1})
	}
	t.opened++
	out.Fh = t.opened
	if t.listings == nil {
		t.listings = make(map[uint64][]fuse.DirEntry)
	}
	t.listings[out.Fh] = listing
	return fuse.OK
}

func (t *tree) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	t.disk.mu.Lock()
	defer t.disk.mu.Unlock()
	if t.disk.dead {
		return fuse.EIO
	}
	listing := t.listings[in.Fh]
	for _, entry := range listing[min(in.Offset, uint64(len(listing))):] {
		if !out.AddDirEntry(entry) {
			break
		}
	}
	return fuse.OK
}

func (t *tree) ReleaseDir(in *fuse.ReleaseIn) {
	t.disk.mu.Lock()
	defer t.disk.mu.Unlock()
	delete(t.listings, in.Fh)
}
