"""N-gram language models with embeddings: next words, next letters, the nearest words, bags of words, and texts that they write."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

rng = np.random.default_rng(11)
torch.set_printoptions(precision=10)
text = """the cat sat on the mat and the dog sat on the log and the cat saw the dog
who saw the cat and the mat and the log""".split()
CONTEXT_SIZE, EMBEDDING_DIM = 2, 5
trigrams = [([text[i], text[i + 1]], text[i + 2]) for i in range(len(text) - 2)]
vocab = sorted(set(text))
word_to_ix = {word: i for i, word in enumerate(vocab)}
print(trigrams[:2], len(vocab))


class NGramLanguageModeler(nn.Module):
    def __init__(self, vocab_size, embedding_dim, context_size):
        super(NGramLanguageModeler, self).__init__()
        self.embeddings = nn.Embedding(vocab_size, embedding_dim)
        self.linear1 = nn.Linear(context_size * embedding_dim, 16)
        self.linear2 = nn.Linear(16, vocab_size)

    def forward(self, inputs):
        embeds = self.embeddings(inputs).view((1, -1))
        out = F.relu(self.linear1(embeds))
        return F.log_softmax(self.linear2(out), dim=1)


def start(module):
    for p in module.parameters():
        p.data = torch.from_numpy(rng.normal(0, 0.5, tuple(p.shape)))
    return module


model = start(NGramLanguageModeler(len(vocab), EMBEDDING_DIM, CONTEXT_SIZE))
print(model)
loss_function = nn.NLLLoss()
optimizer = optim.SGD(model.parameters(), lr=0.05)
for epoch in range(4):
    total_loss = 0
    for context, target in trigrams:
        context_idxs = torch.tensor([word_to_ix[w] for w in context], dtype=torch.long)
        model.zero_grad()
        log_probs = model(context_idxs)
        loss = loss_function(log_probs, torch.tensor([word_to_ix[target]], dtype=torch.long))
        loss.backward()
        optimizer.step()
        total_loss += loss.item()
    print(f"{total_loss:.10f}")
print(model.embeddings.weight[word_to_ix["cat"]])
similarity = F.cosine_similarity(model.embeddings.weight[word_to_ix["cat"]].unsqueeze(0), model.embeddings.weight)
values, indices = similarity.sort(descending=True)
print([(vocab[i], round(v, 9)) for v, i in zip(values.tolist()[:3], indices.tolist()[:3])])


class CBOW(nn.Module):
    def __init__(self, vocab_size, embedding_dim):
        super().__init__()
        self.emb = nn.Embedding(vocab_size + 1, embedding_dim, padding_idx=0)
        self.out = nn.Linear(embedding_dim, vocab_size, bias=False)

    def forward(self, x):
        e = self.emb(x)
        count = (x != 0).sum(1, keepdim=True).clamp(min=1)
        return self.out(e.sum(dim=1) / count)


ids = torch.tensor([word_to_ix[w] + 1 for w in text])
windows = torch.stack([torch.cat([ids[max(0, i - 2):i], ids[i + 1:i + 3], torch.zeros(4, dtype=torch.long)])[:4] for i in range(len(ids))])
model = start(CBOW(len(vocab), 6)).double()
model.emb.weight.data[0].zero_()
optimizer = optim.Adam(model.parameters(), lr=0.05)
for epoch in range(5):
    logits = model(windows)
    loss = F.cross_entropy(logits, ids - 1)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(model.parameters(), 0.02)
    optimizer.step()
    accuracy = (logits.argmax(dim=-1) == ids - 1).float().mean()
    print(epoch, f"{loss.item():.12f} {accuracy.item():.6f} {model.emb.weight.grad[0].abs().sum().item()}")

# bigrams of letters: counts, probabilities, samples from given random numbers, one-hot products
names = ["anna", "hannah", "nan", "otto", "bob", "elle"]
letters = ["."] + sorted(set("".join(names)))
stoi = {s: i for i, s in enumerate(letters)}
N = torch.zeros((len(letters), len(letters)), dtype=torch.int32)
xs, ys = [], []
for name in names:
    chars = ["."] + list(name) + ["."]
    for a, b in zip(chars, chars[1:]):
        N[stoi[a], stoi[b]] += 1
        xs.append(stoi[a])
        ys.append(stoi[b])
P = (N + 1).double()
P /= P.sum(1, keepdim=True)
xs, ys = torch.tensor(xs), torch.tensor(ys)
print(f"nll {-P[xs, ys].log().mean().item():.12f}", N.sum().item(), N[0].tolist())
W = torch.from_numpy(rng.normal(0, 1, (len(letters), len(letters)))).requires_grad_(True)
xenc = F.one_hot(xs, num_classes=len(letters)).double()
for k in range(5):
    logits = xenc @ W
    counts = logits.exp()
    probs = counts / counts.sum(1, keepdims=True)
    loss = -probs[torch.arange(len(ys)), ys].log().mean() + 0.01 * (W**2).mean()
    W.grad = None
    loss.backward()
    W.data += -20 * W.grad
    print(f"{loss.item():.12f}")
out, ix = [], 0
for u in rng.random(12):
    ix = int((P[ix].cumsum(0) > u).nonzero()[0].item())
    out.append(letters[ix])
print("".join(out))
