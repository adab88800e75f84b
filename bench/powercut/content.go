package powercut

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

func (t *tree) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	t.disk.mu.Lock()
	defer t.disk.mu.Unlock()
	_, status := t.disk.node(in.NodeId) // the kernel has O_TRUNC done by SetAttr
	out.OpenFlags = fuse.FOPEN_DIRECT_IO
	return status
}

func (t *tree) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) { //nolint:ireturn // go-fuse's interface
	t.disk.mu.Lock()
	defer t.disk.mu.Unlock()
	n, status := t.disk.node(in.NodeId)
	if !status.Ok() {
		return nil, status
	}
	if in.Offset >= uint64(len(n.data)) {
		return fuse.ReadResultData(nil), fuse.OK
	}
	return fuse.ReadResultData(buf[:copy(buf, n.data[in.Offset:])]), fuse.OK
}

func (t *tree) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	t.disk.mu.Lock()
	defer t.disk.mu.Unlock()
	n, status := t.disk.node(in.NodeId)
	if !status.Ok() {
		return 0, status
	}
	n.edit(edit{offset: in.Offset, data: append([]byte(nil), data...)})
	if in.Flags&(syscall.O_SYNC|syscall.O_DSYNC) != 0 {
		t.disk.sync(n)
	}
	return uint32(len(data)), fuse.OK //nolint:gosec // a request is 128 KiB at most
}

func (t *tree) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status { return t.sync(in.NodeId) }

func (t *tree) FsyncDir(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status { return t.sync(in.NodeId) }

func (t *tree) sync(id uint64) fuse.Status {
	t.disk.mu.Lock()
	defer t.disk.mu.Unlock()
	n, status := t.disk.node(id)
	if status.Ok() {
		t.disk.sync(n)
	}
	return status
}
