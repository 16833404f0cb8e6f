import express from 'express'
import { products } from './products.js'

const orders = []

export const api = express.Router()

api.get('/products', (_req, res) => res.json(products))
api.get('/orders', (_req, res) => res.json(orders))
api.post('/orders', express.json(), (req, res) => {
  const product = products.find(({ id }) => id === req.body?.product)
  if (!product) {
    res.status(422).json({ error: 'Give the id of a product: {"product": 1}' })
    return
  }
  const order = { id: orders.length + 1, product: product.id, at: new Date().toISOString() }
  orders.push(order)
  res.status(201).json(order)
})
