package interpreter

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// candidate is a file that looks like an interpreter.
type candidate struct {
	path    string
	version Version
	named   bool // version is from the file's or folder's name
}

var (
	pythonName = regexp.MustCompile(`^python3\.(\d+)$`)
	nodeFolder = regexp.MustCompile(`^v?(\d+)\.\d+\.\d+$`)
	rubyFolder = regexp.MustCompile(`^(?:ruby-)?(\d+)\.(\d+)\.\d+`)
	javaFolder = regexp.MustCompile(`(?:^|-)(?:1\.)?(\d+)(?:[.-]|$)`)
)

// candidates lists programs by name, without running any, those of version managers first: a shim in PATH only starts
// one of them.
func (f *Finder) candidates(lang Language) []candidate {
	var out []candidate
	add := func(path string, version Version, named bool) {
		if info, err := os.Stat(path); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			out = append(out, candidate{path, version, named})
		}
	}
	for _, d := range f.folders(lang) {
		switch lang {
		case Python:
			if strings.HasSuffix(d, "/shims") {
				continue
			}
			entries, _ := os.ReadDir(d) // a folder of PATH may be missing
			for _, e := range entries {
				if m := pythonName.FindStringSubmatch(e.Name()); m != nil {
					minor, _ := strconv.Atoi(m[1])
					add(filepath.Join(d, e.Name()), Version{Major: 3, Minor: minor}, true)
				}
			}
		case DotNet:
			add(filepath.Join(d, "dotnet"), Version{}, false) // one program for all versions
		default:
			v, named := folderVersion(lang, d)
			add(filepath.Join(d, map[Language]string{Node: "node", Ruby: "ruby", Java: "java"}[lang]), v, named)
		}
	}
	return out
}

// folders are those in which programs of a language may lie.
func (f *Finder) folders(lang Language) []string {
	home := func(p string) []string {
		m, _ := filepath.Glob(filepath.Join(f.Home, p)) // the pattern is ours
		return m
	}
	path := filepath.SplitList(f.Path)
	switch lang {
	case Python:
		return slices.Concat(home(".pyenv/versions/*/bin"), home(".local/share/uv/python/*/bin"), path)
	case Node:
		return slices.Concat(home(".nvm/versions/node/*/bin"), home(".local/share/fnm/node-versions/*/installation/bin"),
			home(".volta/tools/image/node/*/bin"), home("n/n/versions/node/*/bin"), path)
	case Ruby:
		return slices.Concat(home(".rbenv/versions/*/bin"), home(".rubies/*/bin"), home(".rvm/rubies/*/bin"), path)
	case Java:
		system, _ := filepath.Glob("/usr/lib/jvm/*/bin") // likewise
		return slices.Concat(home(".sdkman/candidates/java/*/bin"), home(".jdks/*/bin"), system, path)
	}
	return slices.Concat(home(".dotnet"), []string{"/usr/share/dotnet", "/usr/lib/dotnet"}, path)
}

// folderVersion reads a version from a folder of a version manager.
func folderVersion(lang Language, dir string) (Version, bool) {
	pattern := map[Language]*regexp.Regexp{Node: nodeFolder, Ruby: rubyFolder, Java: javaFolder}[lang]
	for _, part := range strings.Split(dir, "/") {
		m := pattern.FindStringSubmatch(part)
		if m == nil {
			continue
		}
		var v Version
		v.Major, _ = strconv.Atoi(m[1])
		if len(m) > 2 {
			v.Minor, _ = strconv.Atoi(m[2])
		}
		return v, true
	}
	return Version{}, false
}
