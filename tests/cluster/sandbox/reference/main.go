// Says which texts of a JSON list the kubelet takes for references to images, as a JSON list.
package main

import (
	// The kubelet has these, too; a digest is valid only if its algorithm is there.
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/json"
	"os"

	"github.com/distribution/reference"
)

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		panic(err)
	}
	valid := make([]bool, len(texts))
	for i, text := range texts {
		_, err := reference.ParseNormalizedNamed(text)
		valid[i] = err == nil
	}
	if err := json.NewEncoder(os.Stdout).Encode(valid); err != nil {
		panic(err)
	}
}
