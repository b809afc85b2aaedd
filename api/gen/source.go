package main

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sort"
)

// layerZip is where npm puts the archive that holds AWS CLI with botocore's models, and dataDir is their folder in it.
const (
	layerZip = "node_modules/@aws-cdk/asset-awscli-v1/lib/layer.zip"
	dataDir  = "awscli/awscli/botocore/data"
)

// openModels returns the folder of models, <service>/<version>/service-2.json: dir, or when that is empty the zip of
// the npm package below root. Nothing is unpacked.
func openModels(root, dir string) (fs.FS, error) {
	if dir != "" {
		return os.DirFS(dir), nil
	}
	z, err := zip.OpenReader(path.Join(root, layerZip))
	if err != nil {
		return nil, fmt.Errorf("models: %w (run npm ci --ignore-scripts)", err)
	}
	return fs.Sub(z, dataDir) // open until the generator ends
}

// readModel reads the model called name, in its newest version unless one is given.
func readModel(models fs.FS, name, version string) (*model, error) {
	if version == "" {
		es, err := fs.ReadDir(models, name)
		if err != nil {
			return nil, fmt.Errorf("models: no service called %s: %w", name, err)
		}
		var versions []string
		for _, e := range es {
			if e.IsDir() {
				versions = append(versions, e.Name())
			}
		}
		if len(versions) == 0 {
			return nil, fmt.Errorf("models: %s has no version", name)
		}
		sort.Strings(versions)
		version = versions[len(versions)-1]
	}
	b, err := fs.ReadFile(models, path.Join(name, version, "service-2.json"))
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	m := new(model)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("models: %s: %w", name, err)
	}
	return m, nil
}
