// The other side of tests/e2e/tlog_peer.c, by the Go reference: makes and checks a log on disk.
// The layout is described there.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	fmtlog "github.com/transparency-dev/formats/log"
	fmtnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
	merkleproof "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	origin = "example.com/go-peer"
	proofs = 12
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func value[T any](v T, err error) T {
	must(err)
	return v
}

func require(ok bool, format string, args ...any) {
	if !ok {
		log.Fatalf(format, args...)
	}
}

// The sumdb has its tiles' height in the path and calls entries "data"; tlog-tiles does not.
func tilePath(t tlog.Tile) string {
	path := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", height))
	return "tile/" + strings.Replace(path, "data/", "entries/", 1)
}

type folder string

func (f folder) read(name string) []byte { return value(os.ReadFile(filepath.Join(string(f), name))) }

func (f folder) write(name string, data []byte) {
	path := filepath.Join(string(f), name)
	must(os.MkdirAll(filepath.Dir(path), 0o755))
	must(os.WriteFile(path, data, 0o644))
}

// folder as a tlog.TileReader
func (f folder) Height() int                         { return height }
func (f folder) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		data, err := os.ReadFile(filepath.Join(string(f), tilePath(t)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// ---- Checking ----

type checker struct {
	folder
	log     note.Verifier
	witness note.Verifier
	checked int
}

func (c *checker) open(checkpoint []byte) *fmtlog.Checkpoint {
	var others []note.Verifier
	if c.witness != nil {
		others = append(others, c.witness)
	}
	cp, rest, n, err := fmtlog.ParseCheckpoint(checkpoint, c.log.Name(), c.log, others...)
	must(err)
	require(len(rest) == 0, "extension lines")
	require(len(n.Sigs) == 1+len(others) && len(n.UnverifiedSigs) == 0, "all signatures verify: %v", n)
	return cp
}

func (c *checker) head(size uint64) *fmtlog.Checkpoint {
	cp := c.open(c.read(fmt.Sprintf("checkpoint.%d", size)))
	require(cp.Size == size, "checkpoint.%d is of size %d", size, cp.Size)
	return cp
}

// Go's reader verifies every tile against the root before it is used.
func (c *checker) hashes(cp *fmtlog.Checkpoint) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: int64(cp.Size), Hash: tlog.Hash(cp.Hash)}, c.folder)
}

func (c *checker) checkTiles(cp *fmtlog.Checkpoint) {
	size := int64(cp.Size)
	root := value(tlog.TreeHash(size, c.hashes(cp)))
	require(bytes.Equal(root[:], cp.Hash), "root of %d", size)
	for _, t := range tlog.NewTiles(height, 0, size) {
		require(len(c.read(tilePath(t))) == t.W*tlog.HashSize, "size of %s", tilePath(t))
		if t.L != 0 {
			continue
		}
		t.L = -1
		bundle := c.read(tilePath(t))
		var stored []int64
		var entries []tlog.Hash
		for i := 0; i < t.W; i++ {
			n := int(binary.BigEndian.Uint16(bundle))
			entries = append(entries, tlog.RecordHash(bundle[2:2+n]))
			stored = append(stored, tlog.StoredHashIndex(0, t.N<<height+int64(i)))
			bundle = bundle[2+n:]
		}
		require(len(bundle) == 0, "bytes after the last entry of %s", tilePath(t))
		for i, h := range value(c.hashes(cp).ReadHashes(stored)) {
			require(h == entries[i], "entry %d of %s", i, tilePath(t))
		}
		c.checked++
	}
}

func (c *checker) checkProof(index, size uint64, data []byte) {
	var p proof.TLogProof
	must(p.Unmarshal(data))
	require(bytes.Equal(p.Marshal(), data), "proof.%d.%d is written otherwise by Go", index, size)
	cp := c.open(p.Checkpoint)
	require(p.Index == index && cp.Size == size, "proof.%d.%d is of another", index, size)
	require((p.ExtraData == nil) || string(p.ExtraData) == "Man", "extra data %q", p.ExtraData)
	reader := c.hashes(cp)
	leaf := value(reader.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(index))}))[0]
	var ours tlog.RecordProof
	var raw [][]byte
	for _, h := range p.Hashes {
		ours = append(ours, tlog.Hash(h))
		raw = append(raw, bytes.Clone(h[:]))
	}
	must(tlog.CheckRecord(ours, int64(size), tlog.Hash(cp.Hash), int64(index), leaf))
	must(merkleproof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf[:], raw, cp.Hash))
	for i, h := range value(tlog.ProveRecord(int64(size), int64(index), reader)) {
		require(h == ours[i], "hash %d of proof.%d.%d", i, index, size)
	}
}

func (c *checker) checkConsistency(old, size uint64, data []byte) {
	var ours tlog.TreeProof
	var raw [][]byte
	for _, line := range strings.Fields(string(data)) {
		h := value(base64.StdEncoding.DecodeString(line))
		ours = append(ours, tlog.Hash(h))
		raw = append(raw, h)
	}
	before, after := c.head(old), c.head(size)
	must(tlog.CheckTree(ours, int64(size), tlog.Hash(after.Hash), int64(old), tlog.Hash(before.Hash)))
	must(merkleproof.VerifyConsistency(rfc6962.DefaultHasher, old, size, raw, before.Hash, after.Hash))
	made := value(tlog.ProveTree(int64(size), int64(old), c.hashes(after)))
	require(len(made) == len(ours), "length of consistency.%d.%d", old, size)
	for i, h := range made {
		require(h == ours[i], "hash %d of consistency.%d.%d", i, old, size)
	}
}

func check(f folder) {
	c := checker{folder: f}
	c.log = value(note.NewVerifier(string(f.read("log.vkey"))))
	c.witness = value(fmtnote.NewVerifierForCosignatureV1(string(f.read("witness.vkey"))))
	for _, entry := range value(os.ReadDir(string(f))) {
		parts := strings.Split(entry.Name(), ".")
		var numbers []uint64
		for _, part := range parts[1:] {
			if n, err := strconv.ParseUint(part, 10, 64); err == nil {
				numbers = append(numbers, n)
			}
		}
		switch {
		case parts[0] == "checkpoint":
			c.checkTiles(c.head(numbers[0]))
		case parts[0] == "proof":
			c.checkProof(numbers[0], numbers[1], f.read(entry.Name()))
		case parts[0] == "consistency":
			c.checkConsistency(numbers[0], numbers[1], f.read(entry.Name()))
		default:
			continue
		}
		c.checked++
	}
	require(c.checked >= proofs, "only %d files", c.checked)
	fmt.Printf("%d files checked by the Go reference\n", c.checked)
}

// What a server gives out: log.vkey, checkpoint, tiles, and the proof of a receipt; with witness.vkey
// both notes must be cosigned.
func served(f folder) {
	c := checker{folder: f}
	c.log = value(note.NewVerifier(strings.TrimSpace(string(f.read("log.vkey")))))
	if key, err := os.ReadFile(filepath.Join(string(f), "witness.vkey")); err == nil {
		c.witness = value(fmtnote.NewVerifierForCosignatureV1(strings.TrimSpace(string(key))))
	}
	cp := c.open(f.read("checkpoint"))
	c.checkTiles(cp)
	var p proof.TLogProof
	data := f.read("proof")
	must(p.Unmarshal(data))
	c.checkProof(p.Index, c.open(p.Checkpoint).Size, data)
	fmt.Printf("a served log of %d leaves read by the Go reference\n", cp.Size)
}

// ---- Making ----

type maker struct {
	folder
	stored  []tlog.Hash
	size    int64
	log     note.Signer
	witness *fmtnote.Signer
}

func (m *maker) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, i := range indexes {
		hashes = append(hashes, m.stored[i])
	}
	return hashes, nil
}

func entry(i int64) []byte { return []byte(fmt.Sprintf("entry %d of the Go side", i)) }

func (m *maker) grow(size int64) {
	old := m.size
	for ; m.size < size; m.size++ {
		m.stored = append(m.stored, value(tlog.StoredHashes(m.size, entry(m.size), m))...)
	}
	for _, t := range tlog.NewTiles(height, old, size) {
		m.write(tilePath(t), value(tlog.ReadTileData(t, m)))
		if t.L != 0 {
			continue
		}
		var bundle []byte
		for i := range int64(t.W) {
			e := entry(t.N<<height + i)
			bundle = append(binary.BigEndian.AppendUint16(bundle, uint16(len(e))), e...)
		}
		t.L = -1
		m.write(tilePath(t), bundle)
	}
	root := value(tlog.TreeHash(size, m))
	text := fmtlog.Checkpoint{Origin: origin, Size: uint64(size), Hash: root[:]}.Marshal()
	signed := value(note.Sign(&note.Note{Text: string(text)}, m.log, m.witness))
	m.write(fmt.Sprintf("checkpoint.%d", size), signed)
	for i := range int64(proofs) {
		index := i * (size - 1) / (proofs - 1)
		p := proof.TLogProof{Index: uint64(index), Checkpoint: signed}
		for _, h := range value(tlog.ProveRecord(size, index, m)) {
			p.Hashes = append(p.Hashes, h)
		}
		m.write(fmt.Sprintf("proof.%d.%d", index, size), p.Marshal())
	}
	if old == 0 {
		return
	}
	var lines []byte
	for _, h := range value(tlog.ProveTree(size, old, m)) {
		lines = fmt.Appendf(lines, "%s\n", h)
	}
	m.write(fmt.Sprintf("consistency.%d.%d", old, size), lines)
}

func makeLog(f folder, sizes []string) {
	m := maker{folder: f}
	logSecret, logPublic, err := note.GenerateKey(rand.Reader, origin)
	must(err)
	witnessSecret, witnessPublic, err := note.GenerateKey(rand.Reader, "witness.example/go")
	must(err)
	m.log = value(note.NewSigner(logSecret))
	m.witness = value(fmtnote.NewSignerForCosignatureV1(witnessSecret))
	f.write("log.vkey", []byte(logPublic))
	f.write("witness.vkey", []byte(value(fmtnote.VKeyToCosignatureV1(witnessPublic))))
	for _, size := range sizes {
		m.grow(value(strconv.ParseInt(size, 10, 64)))
	}
}

func main() {
	log.SetFlags(0)
	switch {
	case len(os.Args) == 3 && os.Args[1] == "check":
		check(folder(os.Args[2]))
	case len(os.Args) == 3 && os.Args[1] == "served":
		served(folder(os.Args[2]))
	case len(os.Args) > 3 && os.Args[1] == "make":
		makeLog(folder(os.Args[2]), os.Args[3:])
	default:
		log.Fatal("usage: tlog_go make FOLDER SIZE... | check FOLDER | served FOLDER")
	}
}
