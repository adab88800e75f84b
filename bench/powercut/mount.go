package powercut

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// ErrNotPermitted says that this machine does not let this process mount a FUSE file system.
var ErrNotPermitted = errors.New("mounting is not permitted here: it needs /dev/fuse and the right to mount (root, or fusermount3)")

// Mount serves the disk in a folder until unmount is called. Unmount waits until no file is open there any more; it may be called again.
func Mount(disk *Disk, dir string) (unmount func() error, err error) {
	server, err := fuse.NewServer(&tree{RawFileSystem: fuse.NewDefaultRawFileSystem(), disk: disk}, dir, &fuse.MountOptions{
		FsName: "powercut", Name: "powercut",
		DirectMount:        true, // fusermount is the second choice
		DisableXAttrs:      true,
		DisableReadDirPlus: true,
	})
	if err != nil {
		if _, statErr := os.Stat("/dev/fuse"); statErr != nil || os.IsPermission(err) || os.Geteuid() != 0 {
			return nil, fmt.Errorf("%w: %w", ErrNotPermitted, err)
		}
		return nil, fmt.Errorf("mount: %w", err)
	}
	go server.Serve() // ends with the mount; unmount waits for it
	if err := server.WaitMount(); err != nil {
		return nil, fmt.Errorf("wait for the mount: %w", err)
	}
	return sync.OnceValue(func() error {
		err := syscall.Unmount(dir, syscall.MNT_DETACH)
		if errors.Is(err, syscall.EPERM) { // it was mounted by fusermount
			err = server.Unmount()
		}
		if err != nil {
			return fmt.Errorf("unmount: %w", err)
		}
		server.Wait()
		return nil
	}), nil
}

// tree answers the kernel. Nothing is cached there: a name or size is asked for each time, and
// reads and writes come at once (direct I/O).
type tree struct {
	fuse.RawFileSystem

	disk     *Disk
	listings map[uint64][]fuse.DirEntry // what open folders held when they were opened
	opened   uint64
}

// dir gives a folder. The disk must be locked.
func (d *Disk) dir(id uint64) (*node, fuse.Status) {
	n, status := d.node(id)
	if status.Ok() && !n.isDir() {
		return nil, fuse.ENOTDIR
	}
	return n, status
}

func (d *Disk) node(id uint64) (*node, fuse.Status) {
	if d.dead {
		return nil, fuse.EIO
	}
	n, known := d.nodes[id]
	if !known {
		return nil, fuse.ENOENT
	}
	return n, fuse.OK
}

func (n *node) describe(out *fuse.Attr) {
	out.Ino, out.Mode, out.Nlink = n.id, n.mode, 1
	out.Size, out.Blksize = uint64(len(n.data)), 4096
	out.Blocks = (out.Size + 511) / 512
	out.SetTimes(&n.mtime, &n.mtime, &n.mtime)
	out.Owner = *fuse.CurrentOwner()
}

func (n *node) answer(out *fuse.EntryOut) {
	out.NodeId = n.id
	n.describe(&out.Attr)
}

func (t *tree) Lookup(_ <-chan struct{}, in *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	t.disk.mu.Lock()
	defer t.disk.mu.Unlock()
	dir, status := t.disk.dir(in.NodeId)
	if !status.Ok() {
		return status
	}
	n, found := dir.names[name]
	if !found {
		return fuse.ENOENT
	}
	n.answer(out)
	return fuse.OK
}

func (t *tree) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	t.disk.mu.Lock()
	defer t.disk.mu.Unlock()
	n, status := t.disk.node(in.NodeId)
	if status.Ok() {
		n.describe(&out.Attr)
	}
	return status
}

func (t *tree) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	t.disk.mu.Lock()
	defer t.disk.mu.Unlock()
	n, status := t.disk.node(in.NodeId)
	if !status.Ok() {
		return status
	}
	if size, given := in.GetSize(); given {
		n.edit(edit{offset: size, resize: true})
	}
	if mode, given := in.GetMode(); given {
		n.mode = n.mode&syscall.S_IFMT | mode&^syscall.S_IFMT
	}
	if mtime, given := in.GetMTime(); given {
		n.mtime = mtime
	}
	n.describe(&out.Attr)
	return fuse.OK
}

func (t *tree) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	const blocks = 1 << 24 // 64 GiB, all free
	*out = fuse.StatfsOut{Blocks: blocks, Bfree: blocks, Bavail: blocks, Bsize: 4096, Frsize: 4096, NameLen: 255, Files: 1 << 20, Ffree: 1 << 20}
	return fuse.OK
}
