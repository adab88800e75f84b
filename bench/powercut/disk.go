package powercut

import (
	"sync"
	"syscall"
	"time"
)

// Promise says when a name is durable.
type Promise int

// The promises: see the package's documentation.
const (
	Ext4 Promise = iota
	Strict
)

func (p Promise) String() string {
	if p == Strict {
		return "strict"
	}
	return "ext4-like"
}

// Disk is a file system in memory: what was written, and what of it is durable.
type Disk struct {
	promise Promise

	mu      sync.Mutex
	nodes   map[uint64]*node // by id; kept until the disk is dropped, for removed files may be open
	root    *node
	journal []change // of names, not durable yet, the oldest first
	steps   int      // how many steps were put into the journal ever
	dead    bool     // the power is off
}

// node is a file or a folder.
type node struct {
	id    uint64
	mode  uint32 // type and permissions, as in stat(2)
	mtime time.Time

	// A file's.
	data    []byte
	durable []byte
	pending []edit // what leads from durable to data

	// A folder's.
	names        map[string]*node
	durableNames map[string]*node
}

// edit is one write to a file, or a change of its size.
type edit struct {
	offset uint64
	data   []byte
	resize bool // to offset
}

// change says that a name in a folder stands for this node from now on, or for nothing.
// Changes of one step happen together.
type change struct {
	step int
	dir  *node
	name string
	node *node
}

// NewDisk makes an empty one.
func NewDisk(promise Promise) *Disk {
	d := &Disk{promise: promise, nodes: make(map[uint64]*node)}
	d.root = d.newNode(syscall.S_IFDIR | 0o700)
	return d
}

// newNode makes a node that has no name yet. The first one is the root, number 1.
func (d *Disk) newNode(mode uint32) *node {
	n := &node{id: uint64(len(d.nodes)) + 1, mode: mode, mtime: time.Now()}
	if n.isDir() {
		n.names, n.durableNames = make(map[string]*node), make(map[string]*node)
	}
	d.nodes[n.id] = n
	return n
}

func (n *node) isDir() bool { return n.mode&syscall.S_IFMT == syscall.S_IFDIR }

// setNames carries out the changes of one step.
func (d *Disk) setNames(changes ...change) {
	d.steps++
	for _, c := range changes {
		c.step = d.steps
		apply(c.dir.names, c)
		c.dir.mtime = time.Now()
		d.journal = append(d.journal, c)
	}
}

func apply(names map[string]*node, c change) {
	if c.node == nil {
		delete(names, c.name)
		return
	}
	names[c.name] = c.node
}

func (n *node) edit(e edit) {
	n.data = e.applyTo(n.data)
	n.pending = append(n.pending, e)
	n.mtime = time.Now()
}

// applyTo gives the content after the edit. What lies between the old end and a write beyond it is zero.
func (e edit) applyTo(content []byte) []byte {
	if e.resize {
		return resized(content, e.offset)
	}
	end := e.offset + uint64(len(e.data))
	if end > uint64(len(content)) {
		content = resized(content, end)
	}
	copy(content[e.offset:end], e.data)
	return content
}

func resized(content []byte, size uint64) []byte {
	if size <= uint64(len(content)) {
		return content[:size]
	}
	if old := len(content); size <= uint64(cap(content)) {
		content = content[:size]
		clear(content[old:])
		return content
	}
	return append(content, make([]byte, size-uint64(len(content)))...)
}

// sync makes a file or folder durable, and the names that the disk's promise adds.
func (d *Disk) sync(n *node) {
	for _, e := range n.pending {
		n.durable = e.applyTo(n.durable)
	}
	n.pending = nil
	rest := d.journal[:0]
	for _, c := range d.journal {
		if d.promise == Ext4 || c.dir == n {
			apply(c.dir.durableNames, c)
			continue
		}
		rest = append(rest, c)
	}
	clear(d.journal[len(rest):])
	d.journal = rest
}
